/** What a closing must bring along beyond the signatures of the root keys. */
import { isUtf8 } from 'node:buffer';
import { CLOSED_TYPE } from '@vitrine/statements';
import { CentreError } from '../error.ts';
import type { Door } from '../registration/registration.ts';

const REASON_MAX_BYTES = 1024 * 1024;

/** Of closings: a reason comes along that people can read. */
export const closingDoor: Door = ({ pointer, statement }, bodies) => {
  if (statement.predicateType !== CLOSED_TYPE) throw new TypeError('a closing was expected');
  const { digest } = statement.predicate.reason;
  const reason = bodies.get(digest);
  if (reason === undefined)
    throw new CentreError(
      'body-missing',
      `The reason ${digest} that the closing names did not come with it.`,
      {
        pointer,
      },
    );
  if (reason.length > REASON_MAX_BYTES || !isText(reason))
    throw new CentreError(
      'body-missing',
      `The reason must be UTF-8 text of at most ${REASON_MAX_BYTES} bytes.`,
      {
        pointer,
      },
    );
  return Promise.resolve();
};

function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && new TextDecoder().decode(bytes).trim() !== '';
}
