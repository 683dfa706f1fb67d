import type { GriffelStyle } from '@fluentui/react-components';

/**
 * The style of a selected item where the system forces its colours (high contrast): the system's colours for a selection,
 * for everything in it, since no other background would tell it apart. Its focus ring is inside, in the colour of its text.
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
