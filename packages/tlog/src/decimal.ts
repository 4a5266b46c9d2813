// Decimal integers with exactly one spelling.

/** The value of an ASCII decimal without leading zeroes, or undefined; above 2^53 - 1 also undefined. */
export function parseDecimal(text: string): number | undefined {
  if (text.length > 16) return undefined;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return undefined;
  }
  const value = Number(text);
  return Number.isSafeInteger(value) && String(value) === text ? value : undefined;
}
