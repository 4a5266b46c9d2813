/** Characters that show nothing themselves but change what is read: bidirectional controls, joiners, BOM, tags. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A name by a stranger as it is spelt: an invisible character, which could turn `gpj.exe` around, is written out. */
export function visibleName(name: string): string {
  return name.replace(INVISIBLE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
