/** Tables as files: CSV by RFC 4180, and JSON. */

export type CellValue = string | number | boolean | null;

/** A spreadsheet runs a cell that begins with one of these as a formula. */
const FORMULA_START = /^[=+\-@\t\r]/;

function csvCell(value: CellValue): string {
  if (value === null) return '';
  const text = typeof value === 'string' && FORMULA_START.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * CSV with a header line, CRLF line ends and quotes where needed (RFC 4180, section 2). A text that a spreadsheet
 * would run as a formula gets a leading apostrophe.
 */
export function formatCsv(columns: readonly string[], rows: readonly (readonly CellValue[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

/** An array of objects, one a row. */
export function formatJsonRecords(
  columns: readonly string[],
  rows: readonly (readonly CellValue[])[],
): string {
  const records = rows.map((row) =>
    Object.fromEntries(columns.map((column, at) => [column, row[at] ?? null])),
  );
  return `${JSON.stringify(records, null, 2)}\n`;
}
