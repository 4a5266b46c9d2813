/** Which rows of a table are shown, and in which order. */
import type { CellValue } from '../formats/record-files.ts';

interface Keyed<Row> {
  readonly key: string;
  readonly value: (row: Row) => CellValue;
}

export interface Sort {
  readonly key: string;
  readonly direction: 'ascending' | 'descending';
}

/** `key` or `-key`; undefined for anything that names no column. */
export function parseSort(
  text: string | undefined,
  columns: readonly { readonly key: string }[],
): Sort | undefined {
  if (text === undefined) return undefined;
  const key = text.startsWith('-') ? text.slice(1) : text;
  if (!columns.some((column) => column.key === key)) return undefined;
  return { key, direction: text.startsWith('-') ? 'descending' : 'ascending' };
}

function compareCells(left: CellValue, right: CellValue): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return String(left ?? '').localeCompare(String(right ?? ''), 'en', { numeric: true });
}

/** Rows of which every word of `filter` occurs in some cell, stably sorted. */
export function arrangeRows<Row>(
  rows: readonly Row[],
  columns: readonly Keyed<Row>[],
  filter: string,
  sort: Sort | undefined,
): readonly Row[] {
  const words = filter.toLowerCase().split(/\s+/u).filter(Boolean);
  const kept = rows.filter((row) => {
    const cells = columns.map(({ value }) => String(value(row) ?? '').toLowerCase());
    return words.every((word) => cells.some((cell) => cell.includes(word)));
  });
  const column = columns.find(({ key }) => key === sort?.key);
  if (sort === undefined || column === undefined) return kept;
  const sign = sort.direction === 'ascending' ? 1 : -1;
  return kept.toSorted((left, right) => sign * compareCells(column.value(left), column.value(right)));
}
