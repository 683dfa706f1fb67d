/** One piece of memory of exactly this size, so that it can be handed to another thread. */
export function joinOctets(pieces: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const [only] = pieces;
  if (pieces.length === 1 && only?.buffer instanceof ArrayBuffer && only.byteLength === only.buffer.byteLength) {
    return only as Uint8Array<ArrayBuffer>;
  }
  const bytes = new Uint8Array(new ArrayBuffer(size));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}
