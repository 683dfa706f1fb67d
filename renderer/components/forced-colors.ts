import type { GriffelStyle } from '@fluentui/react-components';

/**
 * Where the system forces its colours (high contrast), what is chosen has the system's colours for that, with everything
 * in it; there is no other background that would tell it apart. Its focus ring stands inside, in the colour of its words.
 */
export const forcedColorsSelected = {
  '@media (forced-colors: active)': {
    forcedColorAdjust: 'none',
    backgroundColor: 'Highlight',
    color: 'HighlightText',
    '& *': { color: 'HighlightText', backgroundColor: 'transparent' },
    ':hover': { backgroundColor: 'Highlight', color: 'HighlightText' },
    ':focus-visible': { outlineColor: 'HighlightText', outlineOffset: '-3px' },
  },
} as const satisfies GriffelStyle;
