/** HTTP: statements that need no publication: withdrawals, disposals, key statements. The signatures are the authentication. */
import { createHash } from 'node:crypto';
import type { PredicateType } from '@vitrine/statements';
import { CLOSED_TYPE, isKeysStatement } from '@vitrine/statements';
import { CentreError } from '../error.ts';
import type { Router } from '../router.ts';
import type { Vault } from '../vault/vault.ts';
import { namedBodies } from './named-bodies.ts';
import type { Door, Registration } from './registration.ts';

export interface RegistrationRoutesOptions {
  readonly registration: Registration;
  readonly vault: Vault;
  /** By type: what its capability demands. Types of the root log without a door are not taken here. */
  readonly doors: Partial<Record<PredicateType, Door>>;
  /** Resolves when what has just been registered is shown, and its consequences are drawn. */
  readonly settled: (log: 'statements' | 'keys') => Promise<void>;
}

export function addRegistrationRoutes(
  router: Router,
  { registration, vault, doors, settled }: RegistrationRoutesOptions,
): void {
  router.on('registerStatements', async ({ body }) => {
    const submissions = body.envelopes.map((text, at) => registration.parse(text, `/envelopes/${at}`));
    const bodies = new Map(
      body.bodies.map((text, at) => {
        const bytes = Buffer.from(text, 'base64');
        if (bytes.toString('base64') !== text)
          throw new CentreError('invalid-request', 'A body must be standard base64 with padding.', {
            pointer: `/bodies/${at}`,
          });
        return [createHash('sha256').update(bytes).digest('hex'), bytes];
      }),
    );
    // Anyone may send what stands in the log already: no body is kept that nobody answers for with a signature.
    const named = new Set(submissions.flatMap(({ statement }) => namedBodies(statement)));
    for (const [at, digest] of [...bodies.keys()].entries()) {
      if (!named.has(digest))
        throw new CentreError('invalid-request', `No statement of this request names the body ${digest}.`, {
          pointer: `/bodies/${at}`,
        });
    }
    const closing = submissions.find(({ statement }) => statement.predicateType === CLOSED_TYPE);
    if (closing !== undefined && submissions.length > 1)
      throw new CentreError('invalid-request', 'A closing is registered alone: send the others before it.', {
        pointer: closing.pointer,
      });
    for (const submission of submissions) {
      const { predicateType } = submission.statement;
      if ((body.log === 'keys') !== isKeysStatement(submission.statement)) {
        throw new CentreError(
          'invalid-request',
          `A ${predicateType} does not belong in the log “${body.log}”.`,
          { pointer: submission.pointer },
        );
      }
      if (body.log === 'keys') continue;
      const door = doors[predicateType];
      if (door === undefined)
        throw new CentreError(
          'invalid-request',
          `A ${predicateType} is not registered here: a release goes through POST /api/publications.`,
          { pointer: submission.pointer },
        );
      await registration.check(submission);
      await door(submission, bodies);
    }
    for (const bytes of bodies.values()) await vault.store(bytes);
    const statements = await registration.register(body.log, submissions);
    await settled(body.log);
    return { statements };
  });
}
