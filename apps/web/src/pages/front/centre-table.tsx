import { Link } from '@tanstack/react-router';
import type { CentreList } from '@vitrine/api';
import { LogTime } from '../../components/log-time.tsx';
import { countryName } from '../centres/country-name.ts';
import { isCosigning } from '../centres/centre-gaps.ts';

/** The centres in a few lines; their page has the rest. */
export function CentreTable({ list: { asOfMs, centres } }: { readonly list: CentreList }) {
  return (
    <>
      <ul className="border-t border-line">
        {centres.map((centre) => {
          const newest = [centre.lastCosigned.witness, centre.lastCosigned.mirror]
            .filter((one) => one !== null)
            .toSorted((left, right) => right.atMs - left.atMs)[0];
          return (
            <li
              key={centre.name}
              className="grid gap-x-6 border-b border-line py-3 sm:grid-cols-[14rem_minmax(0,1fr)_minmax(0,1fr)]"
            >
              <span>
                <span className="font-serif text-lg">{centre.city}</span>
                <span className="text-soft">, {countryName(centre.country)}</span>
              </span>
              <span className="min-w-0 [overflow-wrap:anywhere]">run by {centre.operator}</span>
              <span className="text-soft">
                {!centre.working
                  ? 'closed'
                  : newest === undefined
                    ? 'has not cosigned yet'
                    : isCosigning(centre, asOfMs)
                      ? 'cosigned '
                      : 'not cosigning; last '}
                {!centre.working || newest === undefined ? null : <LogTime timeMs={newest.atMs} />}
              </span>
            </li>
          );
        })}
      </ul>
      <p className="mt-4">
        <Link to="/centres" className="link">
          Who they are, and what each confirms
        </Link>
      </p>
    </>
  );
}
