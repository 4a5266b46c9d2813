// A thread that checks units.

import { parentPort } from 'node:worker_threads';
import { FsckError, type FsckErrorCode } from './fsck-error.ts';
import { openSource, type SourceLocation } from './source-location.ts';
import { checkUnit, type Unit, type UnitReport } from './unit.ts';

export type UnitReply =
  | { readonly report: UnitReport }
  | { readonly error: { readonly code: FsckErrorCode; readonly message: string } };

export interface UnitRequest {
  readonly location: SourceLocation;
  readonly unit: Unit;
}

parentPort?.on('message', ({ location, unit }: UnitRequest) => {
  checkUnit(openSource(location), unit)
    .then((report): UnitReply => ({ report }))
    .catch((error: unknown): UnitReply => {
      const code = error instanceof FsckError ? error.code : 'worker-failed';
      return { error: { code, message: error instanceof Error ? error.message : String(error) } };
    })
    .then((reply) => parentPort?.postMessage(reply))
    .catch((error: unknown) => {
      throw error;
    });
});
