/** What a mode means for one recipient domain (spec §3.5). */
import type { Settings } from '../../shared/settings.ts';
import { assertNever } from '../../shared/result.ts';
import { matchesAnyDomain } from './domain-match.ts';

/** How a mode treats a recipient. */
export type Usage =
  | { readonly kind: 'direct'; readonly because: 'mode-never' | 'domain-unlisted' }
  | { readonly kind: 'direct-then-gateways'; readonly because: 'mode-undelivered' | 'mode-on-error' }
  | { readonly kind: 'gateways-only'; readonly because: 'domain-listed' | 'mode-always' };

/** The usage for a recipient domain ('' = an address without one). */
export function usageFor(domain: string, gateways: Settings['gateways']): Usage {
  switch (gateways.mode) {
    case 'never':
      return { kind: 'direct', because: 'mode-never' };
    case 'undelivered':
      return { kind: 'direct-then-gateways', because: 'mode-undelivered' };
    case 'onError':
      return { kind: 'direct-then-gateways', because: 'mode-on-error' };
    case 'domains':
      return matchesAnyDomain(domain, gateways.domains)
        ? { kind: 'gateways-only', because: 'domain-listed' }
        : { kind: 'direct', because: 'domain-unlisted' };
    case 'always':
      return { kind: 'gateways-only', because: 'mode-always' };
    default:
      return assertNever(gateways.mode);
  }
}

/** Where a recipient of that usage ends when it failed for good (spec §3.5): Bad only where nothing but gateways may be used. */
export function failureFolder(usage: Usage): 'bounced' | 'bad' {
  return usage.kind === 'gateways-only' ? 'bad' : 'bounced';
}
