// The pictures, as SVG on a grid of 32. Every state has a shape of its own, so that it is told apart without colours.

const ENVELOPE = { x: 2, y: 6, width: 28, height: 20 };

/** `solid`: filled with white lines; else only the outline. */
function envelope(colour, solid) {
  const { x, y, width, height } = ENVELOPE;
  const flap = `M${x + 1.5} ${y + 2.5} L16 ${y + 12} L${x + width - 1.5} ${y + 2.5}`;
  if (solid) {
    return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="3" fill="${colour}"/>
      <path d="${flap}" fill="none" stroke="KNOCK" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/>`;
  }
  return `<rect x="${x + 1.25}" y="${y + 1.25}" width="${width - 2.5}" height="${height - 2.5}" rx="2.5" fill="WASH" stroke="${colour}" stroke-width="2.5"/>
    <path d="${flap}" fill="none" stroke="${colour}" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"/>`;
}

/** A badge in the lower right corner, with a gap around it so that it stands off the envelope. */
function badge(gap, sign) {
  return { gap, sign };
}

const STATES = {
  idle: { colour: '#2b7de9', solid: true },
  sending: {
    colour: '#2b7de9',
    solid: true,
    ...badge(
      '<path d="M22.5 9 L32 18.5 V32 H16 V23 H12 V19.5 Z"/>',
      '<path d="M22.5 12 L30.5 20.5 H26 V31 H19 V20.5 H14.5 Z" fill="#1aa260"/>',
    ),
  },
  paused: {
    colour: '#7a8591',
    solid: true,
    ...badge(
      '<rect x="14" y="14" width="18" height="18" rx="2"/>',
      '<rect x="16.5" y="16" width="5" height="15" rx="1.2" fill="#d08700"/><rect x="25" y="16" width="5" height="15" rx="1.2" fill="#d08700"/>',
    ),
  },
  'waiting-network': {
    colour: '#7a8591',
    solid: false,
    ...badge(
      '<rect x="9" y="20" width="23" height="12" rx="2"/>',
      '<circle cx="13.5" cy="26.5" r="3" fill="#d08700"/><circle cx="21" cy="26.5" r="3" fill="#d08700"/><circle cx="28.5" cy="26.5" r="3" fill="#d08700"/>',
    ),
  },
  'waiting-dial-up': {
    colour: '#7a8591',
    solid: false,
    ...badge(
      '<rect x="10" y="15" width="22" height="17" rx="3"/>',
      // A telephone: handset above, set below.
      '<path d="M12 20.5 Q12 16.5 21 16.5 Q30 16.5 30 20.5 V22 H25.5 V20.2 H16.5 V22 H12 Z" fill="#d08700"/><path d="M16.5 23 H25.5 L29.5 31 H12.5 Z" fill="#d08700"/>',
    ),
  },
  attention: {
    colour: '#2b7de9',
    solid: true,
    ...badge(
      '<path d="M21 9 L32 29 V33 H8 Z"/>',
      '<path d="M21 13 L31.3 31.5 H10.7 Z" fill="#d92c2c" stroke="#d92c2c" stroke-width="1" stroke-linejoin="round"/><rect x="19.7" y="18.2" width="2.6" height="7" rx="1.2" fill="#ffffff"/><circle cx="21" cy="28" r="1.5" fill="#ffffff"/>',
    ),
  },
};

/** In colours for Linux and Windows. */
function traySvg(name) {
  const state = STATES[name];
  return svg(
    state,
    envelope(state.colour, state.solid).replaceAll('KNOCK', '#ffffff').replaceAll('WASH', '#ffffff'),
    state.sign ?? '',
  );
}

/** Black on nothing for macOS, which colours it itself: lines become holes. */
function templateSvg(name) {
  const state = STATES[name];
  const black = (text) => text.replaceAll(/(fill|stroke)="#(?!ffffff)[0-9a-f]{6}"/g, '$1="#000000"');
  const sign = black(state.sign ?? '').replaceAll(/<(rect|circle)[^>]*fill="#ffffff"[^>]*>/g, '');
  const holes = (state.sign ?? '').match(/<(rect|circle)[^>]*fill="#ffffff"[^>]*>/g)?.join('') ?? '';
  const body = black(envelope('#000000', state.solid)).replaceAll('WASH', 'none');
  const lines = state.solid ? body.match(/<path[^>]*KNOCK[^>]*>/)[0] : '';
  const mask = `<mask id="lines"><rect width="32" height="32" fill="#fff"/>${lines.replaceAll('KNOCK', '#000')}</mask>
    <mask id="holes"><rect width="32" height="32" fill="#fff"/>${holes.replaceAll('#ffffff', '#000')}</mask>`;
  return svg(
    state,
    `${mask}<g mask="url(#lines)">${body.replace(/<path[^>]*KNOCK[^>]*>/, '')}</g>`,
    `<g mask="url(#holes)">${sign}</g>`,
  );
}

function svg(state, body, sign) {
  const gap = state.gap === undefined ? '' : `<g fill="#000" stroke="none">${state.gap}</g>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
    <defs><mask id="gap"><rect width="32" height="32" fill="#fff"/>${gap}</mask></defs>
    <g mask="url(#gap)">${body}</g>${sign}</svg>`;
}

/** The program's own icon: an envelope on its way, on a rounded tile. */
const APP_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">
  <defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#3d8ff5"/><stop offset="1" stop-color="#1a5fc4"/></linearGradient></defs>
  <rect x="24" y="24" width="464" height="464" rx="104" fill="url(#g)"/>
  <rect x="104" y="156" width="304" height="212" rx="28" fill="#ffffff"/>
  <path d="M122 184 L256 286 L390 184" fill="none" stroke="#1a5fc4" stroke-width="22" stroke-linecap="round" stroke-linejoin="round"/>
  <path d="M384 250 L452 322 H414 V412 H354 V322 H316 Z" fill="#1aa260" stroke="#ffffff" stroke-width="14" stroke-linejoin="round"/>
</svg>`;

module.exports = { STATES, traySvg, templateSvg, APP_SVG };
