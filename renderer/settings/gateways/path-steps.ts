/** Which way a message takes under the present settings (spec §3.5), as a short chain to draw. Pure. */
import type { Settings } from '../../../shared/settings.ts';

export type StepKind = 'direct' | 'lan' | 'gateways' | 'bad' | 'bounced';

interface PathStep {
  readonly kind: StepKind;
  /** Catalogue key below `path.`: the condition under which one gets here; null for the first. */
  readonly when: 'fails' | 'limit' | 'refused' | 'onError' | 'limitBad' | 'tries' | null;
}

export interface Path {
  /** Whom this path is for: catalogue key below `path.`. */
  readonly who: 'everyone' | 'listed' | 'others';
  readonly steps: readonly PathStep[];
}

/** One path, or two when listed domains go another way than the rest. */
export function pathsOf({ gateways }: Pick<Settings, 'gateways'>): readonly Path[] {
  const direct: readonly PathStep[] = [
    { kind: 'direct', when: null },
    { kind: 'lan', when: 'fails' },
  ];
  const plain: Path = { who: 'everyone', steps: [...direct, { kind: 'bounced', when: 'limit' }] };
  const gatewaysOnly: readonly PathStep[] = [
    { kind: 'gateways', when: null },
    { kind: 'bad', when: 'limitBad' },
  ];
  switch (gateways.mode) {
    case 'never':
      return [plain];
    case 'undelivered':
      return [
        {
          who: 'everyone',
          steps: [...direct, { kind: 'gateways', when: 'limit' }, { kind: 'bounced', when: 'tries' }],
        },
      ];
    case 'onError': {
      const { lan, dns, smtp } = gateways.onErrors;
      if (!lan && !dns && !smtp) return [plain];
      return [
        {
          who: 'everyone',
          steps: [...direct, { kind: 'gateways', when: 'onError' }, { kind: 'bounced', when: 'limit' }],
        },
      ];
    }
    case 'domains':
      return [
        { who: 'listed', steps: gatewaysOnly },
        { ...plain, who: 'others' },
      ];
    case 'always':
      return [{ who: 'everyone', steps: gatewaysOnly }];
  }
}
