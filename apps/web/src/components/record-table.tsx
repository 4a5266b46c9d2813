import { useNavigate, useSearch } from '@tanstack/react-router';
import { useId, useState } from 'react';
import type { ReactNode } from 'react';
import { formatCsv, formatJsonRecords } from '../formats/record-files.ts';
import type { CellValue } from '../formats/record-files.ts';
import { countOf } from '../formats/byte-size.ts';
import { saveFile } from '../save-file.ts';
import { CopyButton } from './copy-button.tsx';
import { arrangeRows, parseSort } from './table-order.ts';
import type { Sort } from './table-order.ts';

export interface Column<Row> {
  /** Its name in files and in the address. */
  readonly key: string;
  readonly title: string;
  readonly value: (row: Row) => CellValue;
  /** What is shown instead of the value. */
  readonly show?: (row: Row) => ReactNode;
  readonly numeric?: boolean;
}

interface RecordTableProps<Row> {
  /** Its id in the page, in the address and in the names of its files. */
  readonly name: string;
  readonly caption: string;
  /** What a row is: `release`. */
  readonly rowName: string;
  readonly rowNamePlural?: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly empty: string;
  /** Said of tables that hold one page of many. */
  readonly partial?: boolean;
  /** Rows of all pages, where that is known; the table is partial when it holds fewer. */
  readonly total?: number;
}

const toolLink =
  'inline-flex min-h-7 items-center rounded-sm px-1 text-sm text-soft underline decoration-line underline-offset-4 hover:text-accent hover:decoration-accent';

/** A table that can be filtered, sorted, linked to and saved. Filter and order are part of the page's address. */
export function RecordTable<Row>({
  name,
  caption,
  rowName,
  rowNamePlural = `${rowName}s`,
  columns,
  rows,
  rowKey,
  empty,
  total,
  partial = total !== undefined && total > rows.length,
}: RecordTableProps<Row>) {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const filterId = useId();
  const [filter, setFilter] = useState(search[`${name}.filter`] ?? '');
  const sortText = search[`${name}.sort`];
  const sort = parseSort(sortText, columns);
  const arranged = arrangeRows(rows, columns, filter, sort);

  function keep(change: Readonly<Record<string, string | undefined>>): void {
    void navigate({
      to: '.',
      search: (previous) => ({ ...previous, ...change }),
      hash: true,
      replace: true,
      resetScroll: false,
    });
  }
  function save(kind: 'csv' | 'json'): void {
    const keys = columns.map(({ key }) => key);
    const values = arranged.map((row) => columns.map(({ value }) => value(row)));
    const text = kind === 'csv' ? formatCsv(keys, values) : formatJsonRecords(keys, values);
    saveFile(`${name}.${kind}`, text, kind === 'csv' ? 'text/csv' : 'application/json');
  }

  if (rows.length === 0) return <p className="border-y border-line py-6 text-soft">{empty}</p>;
  const all =
    countOf(total ?? rows.length, rowName, rowNamePlural) +
    (partial && total === undefined ? ' on this page' : '');
  const shownCount = arranged.length === (total ?? rows.length) ? all : `${arranged.length} of ${all}`;
  return (
    <div id={name}>
      <div className="no-print mb-2 flex flex-wrap items-center gap-x-4 gap-y-2">
        <label htmlFor={filterId} className="sr-only">
          Filter {caption}
        </label>
        <input
          id={filterId}
          type="search"
          className="min-h-9 w-44 rounded-sm border border-strong bg-transparent px-2.5 text-sm placeholder:text-soft"
          placeholder={partial ? 'Filter this page' : 'Filter'}
          value={filter}
          onChange={(event) => {
            setFilter(event.target.value);
            keep({ [`${name}.filter`]: event.target.value === '' ? undefined : event.target.value });
          }}
        />
        <span role="status" className="text-sm text-soft">
          {shownCount}
        </span>
        <span className="flex items-center gap-2 sm:ml-auto">
          <button
            type="button"
            className={toolLink}
            aria-label={`CSV: save ${caption}`}
            onClick={() => {
              save('csv');
            }}
          >
            CSV
          </button>
          <button
            type="button"
            className={toolLink}
            aria-label={`JSON: save ${caption}`}
            onClick={() => {
              save('json');
            }}
          >
            JSON
          </button>
          <CopyButton text={linkTo(name)} what={`a link to ${caption}`}>
            Link
          </CopyButton>
        </span>
      </div>
      <table role="table" className="w-full border-collapse text-left max-lg:block">
        <caption className="sr-only">{caption}</caption>
        <thead role="rowgroup" className="border-y border-line max-lg:sr-only">
          <tr role="row">
            {columns.map((column) => {
              const direction = sort?.key === column.key ? sort.direction : undefined;
              return (
                <th
                  role="columnheader"
                  scope="col"
                  key={column.key}
                  aria-sort={direction}
                  className={`py-1 pr-6 font-normal last:pr-0 ${column.numeric === true ? 'text-right' : ''}`}
                >
                  <button
                    type="button"
                    className="min-h-8 rounded-sm text-left text-sm whitespace-nowrap text-soft hover:text-accent"
                    onClick={() => {
                      const next = direction === 'ascending' ? `-${column.key}` : column.key;
                      keep({ [`${name}.sort`]: next });
                    }}
                  >
                    {column.numeric === true ? <SortSign direction={direction} /> : null}
                    {column.title}
                    {column.numeric === true ? null : <SortSign direction={direction} />}
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody role="rowgroup" className="max-lg:block max-lg:border-t max-lg:border-line">
          {arranged.map((row) => (
            <tr role="row" key={rowKey(row)} className="border-b border-line max-lg:block max-lg:py-3">
              {columns.map((column) => (
                <td
                  role="cell"
                  key={column.key}
                  className={`py-2 pr-6 align-baseline [overflow-wrap:anywhere] last:pr-0 max-lg:grid max-lg:grid-cols-[7rem_minmax(0,1fr)] max-lg:gap-x-3 max-lg:py-0.5 max-lg:pr-0 ${column.value(row) === null ? 'max-lg:hidden' : ''} ${column.numeric === true ? 'whitespace-nowrap tabular-nums lg:text-right' : ''}`}
                >
                  <span aria-hidden="true" className="text-sm leading-7 text-soft lg:hidden">
                    {column.title}
                  </span>
                  <span>{column.show?.(row) ?? String(column.value(row) ?? '')}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {arranged.length === 0 ? (
        <p className="border-b border-line py-6 text-soft">
          No {rowName} matches “{filter}”.
        </p>
      ) : null}
    </div>
  );
}

function SortSign({ direction }: { readonly direction: Sort['direction'] | undefined }) {
  return (
    <span aria-hidden="true" className="inline-block w-4 text-center">
      {direction === 'ascending' ? '↑' : direction === 'descending' ? '↓' : ''}
    </span>
  );
}

function linkTo(name: string): string {
  const url = new URL(window.location.href);
  url.hash = name;
  return url.href;
}
