import { formatLeaf, signStatement } from '@vitrine/statements';
import { expect, test } from 'vitest';
import { ONE_OF_EACH } from '../../statements/test/one-of-each.ts';
import { ROOT, START_MS } from '../../statements/test/keys-log-builder.ts';
import { describeLeaf, describeStatement } from './statement-in-words.ts';

test('every type in one sentence', () => {
  expect(ONE_OF_EACH.map(describeStatement)).toMatchInlineSnapshot(`
    [
      "Release 2.10-3 of hello: 1 artifact, from a source of 214 files.",
      "“hello.deb” (1 byte, SHA-256 aaaaaaaaaaaa…) belongs to hello 1.",
      "Release 1 of hello is withdrawn.",
      "The log acme.example/keys had 4 entries, with root aaaaaaaaaaaa….",
      "The log acme.example/statements is closed at 7 entries. It goes on in next.example/statements.",
      "2 objects of hello in the vault were disposed of.",
      "The centre zurich.example in Zürich (CH), run by zurich.example, is at work.",
      "A checkpoint of acme.example/statements, with root aaaaaaaaaaaa…, was cosigned.",
      "The promise “three-centres” is made, due between 2018 and 2020.",
      "The promise “three-centres” reads differently from now on (version 2), due by the end of 2018-Q1.",
      "The promise “three-centres” is withdrawn.",
      "It is recorded that something happened: centre-opened, 2018-11-13.",
      "A letter to acme.example/statements, for everyone to read.",
      "Root keys of acme.example, version 1: 2 of 3 keys must sign.",
      "Registration policy 1: 11 rules on who may say what.",
      "Witnesses, version 1: 1 witness, of whose operators 1 must cosign, and 1 mirror, of whose operators 1 must.",
      "Key 1f6bbdd2c8e3… is added: publisher for hello and world.",
      "After a fork acme.example/statements goes on from entry 7.",
      "Key 1f6bbdd2c8e3… hands its roles to a successor.",
      "Key 1f6bbdd2c8e3… is compromised: its signatures from entry 0 on are void.",
    ]
  `);
});

test('a leaf is read and described, or refused with a reason', async () => {
  const [statement] = ONE_OF_EACH;
  if (statement === undefined) throw new RangeError('there is no statement');
  const leaf = formatLeaf({ registeredAtMs: START_MS, envelope: await signStatement(statement, [ROOT]) });
  const described = describeLeaf(leaf);
  expect(described).toMatchObject({ ok: true, leaf: { registeredAtMs: START_MS, statement } });
  expect(describeLeaf(leaf.subarray(0, 100))).toEqual({ ok: false, reason: 'not JSON' });
  expect(describeLeaf(new Uint8Array(3))).toEqual({
    ok: false,
    reason: 'a leaf of 3 bytes has no time of registration',
  });
});
