/**
 * Makes a mail's HTML harmless to look at. The frame that shows it has no rights at all (sandbox without a token, its own
 * policy); removing it here as well is a second line of defence, and links show where they lead.
 */

const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";
const REMOVED =
  'script, noscript, iframe, frame, frameset, object, embed, applet, base, link, meta, form, input, button, select, textarea, video, audio, source, svg, math, template';

/**
 * @param html as it is in the message: untrusted
 * @param nonce of the page's style policy, which a frame without an address of its own inherits
 * @returns a whole document for `srcdoc`
 */
export function safeDocument(html: string, nonce: string): string {
  // DOMParser runs nothing and loads nothing.
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  for (const element of parsed.querySelectorAll(REMOVED)) element.remove();
  for (const element of parsed.querySelectorAll('*')) {
    for (const { name, value } of [...element.attributes]) {
      const remote =
        (name === 'src' || name === 'background' || name === 'poster') && !/^data:image\//i.test(value.trim());
      if (
        /^on/i.test(name) ||
        remote ||
        name === 'srcset' ||
        name === 'ping' ||
        name === 'action' ||
        name === 'formaction' ||
        name === 'srcdoc'
      ) {
        element.removeAttribute(name);
      } else if (name === 'href' || name === 'xlink:href') {
        element.setAttribute('title', value);
        element.removeAttribute(name);
      }
    }
  }
  for (const style of parsed.querySelectorAll('style')) {
    style.textContent = style.textContent.replace(/@import[^;]*;?/gi, '').replace(/url\s*\([^)]*\)/gi, 'none');
    style.setAttribute('nonce', nonce);
  }
  const head = `<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><style nonce="${nonce}">html{background:#fff;color:#1b1b1b;color-scheme:light}body{margin:12px;font:14px/1.45 sans-serif;overflow-wrap:anywhere}img{max-width:100%}</style>`;
  return `<!doctype html><html><head>${head}${parsed.head.innerHTML}</head><body>${parsed.body.innerHTML}</body></html>`;
}
