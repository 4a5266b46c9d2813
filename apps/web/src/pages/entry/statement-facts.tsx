import {
  ARTIFACT_TYPE,
  CENTRE_TYPE,
  CLOSED_TYPE,
  COMMITMENT_AMENDMENT_TYPE,
  COMMITMENT_TYPE,
  COMMITMENT_WITHDRAWAL_TYPE,
  COSIGNED_TYPE,
  DISPOSAL_TYPE,
  EVENT_TYPE,
  FORK_RESOLUTION_TYPE,
  HEAD_TYPE,
  KEY_ADD_TYPE,
  KEY_REVOKE_TYPE,
  KEY_ROTATE_TYPE,
  REGISTRATION_POLICY_TYPE,
  RELEASE_TYPE,
  ROOT_KEYS_TYPE,
  SUBMISSION_TYPE,
  WITHDRAWAL_TYPE,
  WITNESSES_TYPE,
  keyidOf,
  parsePublicKey,
} from '@vitrine/statements';
import type { Due, Statement } from '@vitrine/statements';
import { Link } from '@tanstack/react-router';
import { CheckedBody } from '../../components/checked-body.tsx';
import { Digest } from '../../components/digest.tsx';
import type { Fact } from '../../components/facts.tsx';
import { visibleName } from '../../formats/visible-name.ts';
import { countOf, formatByteSize, formatCount } from '../../formats/byte-size.ts';

function releaseLink(product: string, version: string) {
  return (
    <Link to="/products/$product/$version" params={{ product, version }} className="link">
      {product} {version}
    </Link>
  );
}

function keyid(spki: string): string {
  return keyidOf(parsePublicKey(spki).spki);
}

function shortType(uri: string): string {
  return uri.replace('https://vitrine.dev/', '');
}

function dueFact(due: Due): Fact {
  if (due.precision === 'none') return { term: 'Due', value: 'no date given' };
  const offset = due.utcOffset === '+00:00' ? 'UTC' : `UTC${due.utcOffset}`;
  return {
    term: 'Due',
    value:
      due.precision === 'period'
        ? `by the end of ${due.period} (${offset})`
        : `between ${due.from} and the end of ${due.to} (${offset})`,
  };
}

function bodyFact(term: string, digest: string, what: string): Fact {
  return { term, value: <CheckedBody digest={digest} what={what} /> };
}

/** The parts of a statement, each named. */
export function statementFacts(statement: Statement): readonly Fact[] {
  switch (statement.predicateType) {
    case RELEASE_TYPE: {
      const { predicate } = statement;
      const optional: Fact[] = [];
      if (predicate.supersedes !== undefined)
        optional.push({ term: 'Supersedes', value: releaseLink(predicate.product, predicate.supersedes) });
      if (predicate.notes !== undefined)
        optional.push({ term: 'Notes', value: <Digest value={predicate.notes.digest} of="the notes" /> });
      if (predicate.sbom !== undefined)
        optional.push({
          term: `SBOM (${predicate.sbom.format === 'cyclonedx' ? 'CycloneDX' : 'SPDX'})`,
          value: <Digest value={predicate.sbom.digest} of="the bill of materials" />,
        });
      if (predicate.provenance !== undefined)
        optional.push({
          term: 'Provenance',
          value: <Digest value={predicate.provenance.digest} of="the build provenance" />,
        });
      return [
        { term: 'Release', value: releaseLink(predicate.product, predicate.version) },
        {
          term: 'Source',
          value: (
            <>
              {countOf(predicate.source.files, 'file')} under root{' '}
              <Digest value={predicate.source.root} of="the source snapshot" />
            </>
          ),
        },
        {
          term: 'Artifacts',
          value: (
            <>
              {countOf(predicate.artifacts.count, 'file')}, listed in{' '}
              <Digest value={predicate.artifacts.list} of="the list of artifacts" />
            </>
          ),
        },
        ...optional,
      ];
    }
    case ARTIFACT_TYPE: {
      const { predicate } = statement;
      const [subject] = statement.subject;
      return [
        { term: 'File', value: visibleName(subject.name) },
        {
          term: 'SHA-256',
          value: (
            <>
              <Digest value={subject.digest.sha256} of={subject.name} />{' '}
              <Link to="/verify/$sha256" params={{ sha256: subject.digest.sha256 }} className="link">
                check
              </Link>
            </>
          ),
        },
        {
          term: 'Size',
          value: `${formatByteSize(predicate.sizeBytes)} (${formatCount(predicate.sizeBytes)} bytes)`,
        },
        { term: 'Release', value: releaseLink(predicate.product, predicate.version) },
        {
          term: 'Release statement',
          value: <Digest value={predicate.release} of="the release statement" />,
        },
      ];
    }
    case WITHDRAWAL_TYPE: {
      const { predicate } = statement;
      return [
        { term: 'Release', value: releaseLink(predicate.product, predicate.version) },
        {
          term: 'Release statement',
          value: <Digest value={predicate.release} of="the release statement" />,
        },
        {
          term: 'Reason',
          value: <CheckedBody digest={predicate.reason.digest} what="reason of the withdrawal" prose />,
        },
      ];
    }
    case HEAD_TYPE: {
      const { head } = statement.predicate;
      return [
        { term: 'Log', value: head.origin },
        { term: 'Size', value: countOf(head.treeSize, 'entry', 'entries') },
        { term: 'Root hash', value: <Digest value={head.root} of={`the root of ${head.origin}`} /> },
      ];
    }
    case CLOSED_TYPE: {
      const { closed, reason, successor } = statement.predicate;
      return [
        { term: 'Closed log', value: closed.origin },
        { term: 'Last size', value: countOf(closed.treeSize, 'entry', 'entries') },
        { term: 'Root hash', value: <Digest value={closed.root} of={`the root of ${closed.origin}`} /> },
        {
          term: 'Goes on in',
          value:
            successor === undefined ? 'nothing: it is an archive' : `${successor.origin}, ${successor.url}`,
        },
        bodyFact('Reason', reason.digest, 'the reason'),
      ];
    }
    case DISPOSAL_TYPE: {
      const { predicate } = statement;
      return [
        { term: 'Product', value: predicate.product },
        { term: 'Objects', value: `${predicate.objects.count}; which ones is not public` },
        {
          term: 'Reason',
          value: <CheckedBody digest={predicate.reason.digest} what="reason of the disposal" prose />,
        },
      ];
    }
    case CENTRE_TYPE: {
      const { centre, intake, mirror, version, witness, working } = statement.predicate;
      return [
        { term: 'Centre', value: `${centre.name} (${working ? 'at work' : 'closed'})` },
        { term: 'Place', value: `${centre.city}, ${centre.country}, ${centre.region}` },
        { term: 'Operator', value: centre.operator },
        { term: 'Address', value: centre.url },
        { term: 'Witness key', value: <code className="break-all">{witness}</code> },
        { term: 'Mirror key', value: <code className="break-all">{mirror}</code> },
        { term: 'Intake log', value: <code className="break-all">{intake.vkey}</code> },
        { term: 'Announcement', value: formatCount(version) },
      ];
    }
    case COSIGNED_TYPE:
      return [
        {
          term: 'Checkpoint',
          value: <pre className="overflow-x-auto whitespace-pre-wrap">{statement.predicate.checkpoint}</pre>,
        },
      ];
    case COMMITMENT_TYPE: {
      const { announced, body, due, id } = statement.predicate;
      return [
        { term: 'Promise', value: id },
        ...(announced === undefined ? [] : [{ term: 'Announced', value: announced }]),
        dueFact(due),
        bodyFact('Text', body.digest, 'text of the promise'),
      ];
    }
    case COMMITMENT_AMENDMENT_TYPE: {
      const { body, commitment, due, id, reason, version } = statement.predicate;
      return [
        { term: 'Promise', value: `${id}, version ${version}` },
        { term: 'Made by', value: <Digest value={commitment} of="the statement that made the promise" /> },
        dueFact(due),
        bodyFact('Text', body.digest, 'text of the promise'),
        bodyFact('Reason', reason.digest, 'reason of the amendment'),
      ];
    }
    case COMMITMENT_WITHDRAWAL_TYPE: {
      const { commitment, id, reason } = statement.predicate;
      return [
        { term: 'Promise', value: id },
        { term: 'Made by', value: <Digest value={commitment} of="the statement that made the promise" /> },
        bodyFact('Reason', reason.digest, 'reason of the withdrawal'),
      ];
    }
    case EVENT_TYPE: {
      const { body, data, happened, kind } = statement.predicate;
      return [
        { term: 'Kind', value: kind },
        { term: 'Happened', value: happened },
        ...Object.entries(data).map(([term, value]) => ({ term, value: String(value) })),
        bodyFact('Told by', body.digest, 'source of the event'),
      ];
    }
    case SUBMISSION_TYPE: {
      const { addressee, body, key, kind } = statement.predicate;
      return [
        { term: 'Kind', value: kind.replaceAll('-', ' ') },
        { term: 'To', value: addressee },
        { term: 'By', value: <Digest value={keyid(key)} of="the key of the one who said it" /> },
        body.access === 'public'
          ? bodyFact('Text', body.digest, 'text')
          : { term: 'Text', value: 'for its addressee only; the log holds a commitment to it' },
      ];
    }
    case ROOT_KEYS_TYPE:
      return [
        { term: 'Instance', value: statement.predicate.instance },
        {
          term: 'Threshold',
          value: `${statement.predicate.threshold} of ${statement.predicate.keys.length}`,
        },
        ...statement.predicate.keys.map((key, at) => ({
          term: `Root key ${at + 1}`,
          value: <Digest value={keyid(key)} of={`root key ${at + 1}`} />,
        })),
      ];
    case REGISTRATION_POLICY_TYPE:
      return statement.predicate.rules.map((rule) => ({
        term: shortType(rule.predicateType),
        value:
          rule.threshold === 1
            ? `signed by a key with the role ${rule.role}`
            : `signed by ${rule.threshold} keys with the role ${rule.role}`,
      }));
    case WITNESSES_TYPE:
      return [
        { term: 'Quorum', value: countOf(statement.predicate.quorum, 'operator') },
        ...statement.predicate.witnesses.map((witness, at) => ({
          term: `Witness ${at + 1}`,
          value: (
            <>
              {witness.operator}
              <br />
              <code className="break-all">{witness.vkey}</code>
            </>
          ),
        })),
      ];
    case FORK_RESOLUTION_TYPE: {
      const { ended, kept } = statement.predicate;
      return [
        { term: 'Log', value: kept.origin },
        { term: 'Goes on from size', value: String(kept.treeSize) },
        { term: 'With the root', value: <Digest value={kept.root} of="the root that is kept" /> },
        ...ended.map((digest, at) => ({
          term: `Ended checkpoint ${at + 1}`,
          value: <Digest value={digest} of={`ended checkpoint ${at + 1}`} />,
        })),
      ];
    }
    case KEY_ADD_TYPE:
      return [
        { term: 'Key', value: <Digest value={keyid(statement.predicate.key)} of="the key" /> },
        ...statement.predicate.roles.map(({ role, products }) => ({
          term: `May speak as ${role}`,
          value: products.includes('*') ? 'for every product' : `for ${products.join(', ')}`,
        })),
      ];
    case KEY_ROTATE_TYPE:
      return [
        { term: 'Old key', value: <Digest value={statement.predicate.key} of="the old key" /> },
        {
          term: 'Successor',
          value: <Digest value={keyid(statement.predicate.successor)} of="the successor" />,
        },
      ];
    case KEY_REVOKE_TYPE: {
      const { predicate } = statement;
      return [
        { term: 'Key', value: <Digest value={predicate.key} of="the key" /> },
        { term: 'Reason', value: predicate.reason },
        ...(predicate.reason === 'compromised'
          ? [
              {
                term: 'Its signatures stand',
                value: `only below entry ${predicate.validBelow} of the root log`,
              },
            ]
          : []),
      ];
    }
  }
}
