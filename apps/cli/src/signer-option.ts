/** The key that signs, as --key names it: a PKCS#8 file, or a key on a PKCS#11 token. */
import type { Signer } from '@vitrine/statements';
import type { AnswerSource } from './confirmation.ts';
import { couldNotRun, refused } from './failure.ts';
import { readBounded } from './local-file.ts';
import { openPkcs11Key } from './pkcs11-key.ts';
import { isPkcs11Uri, parsePkcs11Uri } from './pkcs11-uri.ts';
import { readSigningKey } from './signing-key.ts';
import type { Terminal } from './terminal.ts';

/** What else than its arguments a command has of the process. */
export interface Surroundings {
  /** Where answers come from. */
  readonly answers: AnswerSource;
  readonly environment: NodeJS.ProcessEnv;
}

const MAX_PIN_BYTES = 256;

/** @param pinFile holds the PIN of the token; else it is asked for @throws Failure */
export async function readSigner(
  key: string,
  pinFile: string | undefined,
  terminal: Terminal,
  { answers, environment }: Surroundings,
): Promise<Signer> {
  if (!isPkcs11Uri(key)) {
    if (pinFile !== undefined) throw couldNotRun('--pin-file belongs to a pkcs11: key');
    return readSigningKey(key, (text) => terminal.note(text));
  }
  const place = parsePkcs11Uri(key);
  const file = pinFile ?? place.pinFile;
  return openPkcs11Key(place, environment, async () =>
    file === undefined ? askPin(place.token, answers, terminal) : readPin(file),
  );
}

async function readPin(file: string): Promise<string> {
  const pin = new TextDecoder().decode(await readBounded(file, MAX_PIN_BYTES)).replace(/\r?\n$/, '');
  if (pin === '' || pin.length > MAX_PIN_BYTES || /\p{Cc}/u.test(pin))
    throw couldNotRun(`${file} does not hold a PIN: one line of text is expected`);
  return pin;
}

/** What is typed is not shown. */
async function askPin(token: string, answers: AnswerSource, terminal: Terminal): Promise<string> {
  if (answers.isTTY !== true || answers.setRawMode === undefined)
    throw couldNotRun('nobody is there to type the PIN: give --pin-file FILE');
  terminal.note(`PIN of the token ${token}:`);
  answers.setRawMode(true);
  try {
    let pin = '';
    for await (const chunk of answers) {
      for (const character of String(chunk)) {
        if (character === '\u0003') throw refused('not signed');
        if (character === '\r' || character === '\n') return pin;
        pin = character === '\u007f' ? pin.slice(0, -1) : pin + character;
      }
    }
    throw refused('no PIN was typed; not signed');
  } finally {
    answers.setRawMode(false);
  }
}
