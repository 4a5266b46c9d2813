import { expect, test } from 'vitest';
import { arrangeRows, parseSort } from './table-order.ts';

interface Row {
  readonly version: string;
  readonly size: number;
}
const columns = [
  { key: 'version', value: (row: Row) => row.version },
  { key: 'size', value: (row: Row) => row.size },
];
const rows: readonly Row[] = [
  { version: '2.10.0', size: 5 },
  { version: '2.9.0', size: 12 },
  { version: 'Rc 3', size: 5 },
];

test('an order names a column, or is none', () => {
  expect(parseSort('-size', columns)).toEqual({ key: 'size', direction: 'descending' });
  expect(parseSort('version', columns)).toEqual({ key: 'version', direction: 'ascending' });
  expect(parseSort('__proto__', columns)).toBeUndefined();
  expect(parseSort(undefined, columns)).toBeUndefined();
});

test('numbers are ordered as numbers, also inside texts, and equals keep their place', () => {
  const versions = (sort: string) =>
    arrangeRows(rows, columns, '', parseSort(sort, columns)).map(({ version }) => version);
  expect(versions('version')).toEqual(['2.9.0', '2.10.0', 'Rc 3']);
  expect(versions('size')).toEqual(['2.10.0', 'Rc 3', '2.9.0']);
  expect(versions('-size')).toEqual(['2.9.0', '2.10.0', 'Rc 3']);
});

test('every word of a filter occurs in some cell, whatever its case', () => {
  expect(arrangeRows(rows, columns, 'RC 5', undefined)).toEqual([{ version: 'Rc 3', size: 5 }]);
  expect(arrangeRows(rows, columns, '  ', undefined)).toEqual(rows);
  expect(arrangeRows(rows, columns, 'absent', undefined)).toEqual([]);
});
