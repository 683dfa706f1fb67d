/** How one entry of a window's navigation looks: the folders of the queue, the pages of the settings. */
import { makeStyles, tokens } from '@fluentui/react-components';
import { forcedColorsSelected } from './forced-colors.ts';

/** `item` for each entry, `here` added for the one that is shown. */
export const useNavItemStyles = makeStyles({
  item: {
    display: 'flex',
    alignItems: 'center',
    columnGap: '10px',
    minHeight: '36px',
    flexShrink: 0,
    paddingInline: '10px',
    border: 'none',
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: 'transparent',
    color: tokens.colorNeutralForeground2,
    fontFamily: 'inherit',
    fontSize: tokens.fontSizeBase300,
    textAlign: 'start',
    textDecorationLine: 'none',
    cursor: 'default',
    position: 'relative',
    ':hover': { backgroundColor: tokens.colorNeutralBackground3Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  here: {
    backgroundColor: tokens.colorNeutralBackground1,
    color: tokens.colorNeutralForeground1,
    boxShadow: tokens.shadow2,
    fontWeight: tokens.fontWeightSemibold,
    '::before': {
      content: '""',
      position: 'absolute',
      insetInlineStart: 0,
      top: '9px',
      bottom: '9px',
      width: '3px',
      borderRadius: '2px',
      backgroundColor: tokens.colorCompoundBrandBackground,
      '@media (forced-colors: active)': { backgroundColor: 'HighlightText' },
    },
    ...forcedColorsSelected,
  },
});
