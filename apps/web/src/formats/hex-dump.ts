/** Bytes as people read them. */

export interface HexLine {
  /** Offset of the line's first byte, eight hex digits. */
  readonly offset: string;
  /** Up to `width` bytes, two hex digits each. */
  readonly hex: readonly string[];
  /** The printable ASCII of the same bytes, a dot for every other byte. */
  readonly text: string;
}

/** The lines of a hex dump, `width` bytes each. */
export function hexDump(bytes: Uint8Array, width = 16): readonly HexLine[] {
  const lines: HexLine[] = [];
  for (let at = 0; at < bytes.length; at += width) {
    const part = [...bytes.subarray(at, at + width)];
    lines.push({
      offset: at.toString(16).padStart(8, '0'),
      hex: part.map((byte) => byte.toString(16).padStart(2, '0')),
      text: part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join(''),
    });
  }
  return lines;
}
