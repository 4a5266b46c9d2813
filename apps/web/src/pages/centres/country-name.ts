const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'code' });

/** `Switzerland`, of an ISO 3166-1 alpha-2 code; the code itself when it is nobody's. */
export function countryName(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (names.of(code) ?? code) : code;
}
