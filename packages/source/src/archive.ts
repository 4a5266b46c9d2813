/** Reads a tar archive, plain or compressed, as a source tree. Paths are the archive's own: a leading folder (`name-1.0/`) stays. */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { PathRegister } from './entry-path.ts';
import { defaultLimits, LimitGuard } from './limits.ts';
import type { SourceLimits } from './limits.ts';
import { SourceError } from './source-error.ts';
import type { SourceTree } from './source-tree.ts';
import { TarReader } from './tar.ts';

type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** What Node does not decompress itself. */
const programs = {
  // Enough for every preset of xz (65 MiB for -9); an archive can ask for more.
  xz: ['--decompress', '--stdout', '--format=xz', '--memlimit-decompress=512MiB'],
  bzip2: ['--decompress', '--stdout'],
} as const;

/**
 * @param file .tar, .tar.gz, .tar.zst, .tar.xz or .tar.bz2 (the last two through the programs of that name), told apart by their first bytes
 * @throws SourceError unreadable | archive-unsupported
 */
export async function readArchive(file: string, limits: SourceLimits = defaultLimits): Promise<SourceTree> {
  const handle = await openArchive(file);
  let compression: Compression;
  let opened: { sizeBytes: number; mtimeNs: bigint };
  try {
    compression = await detectCompression(handle, file);
    opened = await identify(handle);
  } finally {
    await handle.close();
  }
  return {
    description: `archive ${file}`,
    files: async function* (only) {
      const current = await openArchive(file);
      const guard = new LimitGuard(limits);
      const register = new PathRegister();
      try {
        const now = await identify(current);
        if (now.sizeBytes !== opened.sizeBytes || now.mtimeNs !== opened.mtimeNs)
          throw new SourceError('source-changed', 'the archive changed while it was read', { path: file });
        const bytes = watchRatio(decompress(current, compression, file), (out) => {
          guard.checkRatio(file, opened.sizeBytes, out);
        });
        const reader = new TarReader(bytes, file);
        try {
          for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
            if (entry.kind === 'folder') {
              if (entry.path !== '.' && entry.path !== '') register.add(entry.path, 'folder');
              guard.take(entry.path, 0);
              continue;
            }
            register.add(entry.path, entry.kind);
            if (entry.kind === 'file') {
              guard.take(entry.path, entry.sizeBytes);
              if (only?.has(entry.path) === false) continue;
              const { path, sizeBytes } = entry;
              yield {
                path,
                mode: entry.executable ? '100755' : '100644',
                sizeBytes,
                content: () => reader.content(),
              };
              continue;
            }
            const { path, target } = entry;
            guard.take(path, target.length);
            if (only?.has(path) === false) continue;
            yield {
              path,
              mode: '120000',
              sizeBytes: target.length,
              content: () => [target],
            };
          }
        } finally {
          await reader.close();
        }
      } finally {
        await current.close().catch(() => undefined);
      }
    },
  };
}

async function openArchive(file: string): Promise<FileHandle> {
  try {
    return await open(file);
  } catch (cause) {
    throw new SourceError('unreadable', cause instanceof Error ? cause.message : 'it cannot be read', {
      path: file,
      cause,
    });
  }
}

async function identify(handle: FileHandle): Promise<{ sizeBytes: number; mtimeNs: bigint }> {
  const { size, mtimeNs } = await handle.stat({ bigint: true });
  return { sizeBytes: Number(size), mtimeNs };
}

async function detectCompression(handle: FileHandle, file: string): Promise<Compression> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw new SourceError('archive-unsupported', 'it is not a file', { path: file });
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
  const head = buffer.subarray(0, bytesRead).toString('latin1');
  if (head.startsWith('\x1f\x8b')) return 'gzip';
  if (head.startsWith('\xfd7zXZ\0')) return 'xz';
  if (/^BZh[1-9]/.test(head)) return 'bzip2';
  if (head.startsWith('\x28\xb5\x2f\xfd')) return 'zstd';
  const refuse = (what: string): never => {
    throw new SourceError(
      'archive-unsupported',
      `it is ${what}; give a .tar, plain or with gzip, zstd, xz or bzip2`,
      {
        path: file,
      },
    );
  };
  if (head.startsWith('PK')) return refuse('a zip archive');
  if (bytesRead === 0) return refuse('empty');
  if (bytesRead < 512 || !/^[0-7 ]+[ \0]*$/.test(head.slice(148, 156))) {
    // An archive of nothing is two blocks of zeros.
    if (bytesRead === 512 && buffer.every((byte) => byte === 0)) return 'none';
    return refuse('not a tar archive');
  }
  return 'none';
}

async function* watchRatio(
  chunks: AsyncIterable<Uint8Array>,
  check: (outBytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let out = 0;
  for await (const chunk of chunks) {
    out += chunk.length;
    check(out);
    yield chunk;
  }
}

function decompress(handle: FileHandle, compression: Compression, file: string): AsyncIterable<Uint8Array> {
  const compressed = handle.createReadStream({ autoClose: false, start: 0, highWaterMark: 256 * 1024 });
  switch (compression) {
    case 'none':
      return bytesOf(compressed, file);
    case 'gzip':
      return throughZlib(compressed, createGunzip({ chunkSize: 256 * 1024 }), file);
    case 'zstd':
      return throughZlib(compressed, createZstdDecompress({ chunkSize: 256 * 1024 }), file);
    case 'xz':
    case 'bzip2':
      return throughProgram(compression, compressed, file);
  }
}

async function* bytesOf(stream: Readable, file: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a byte stream gave something else');
      yield chunk;
    }
  } catch (cause) {
    throw decompressionError(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function* throughZlib(
  compressed: Readable,
  decompressor: ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>,
  file: string,
): AsyncGenerator<Uint8Array> {
  compressed.on('error', (error) => decompressor.destroy(error));
  compressed.pipe(decompressor);
  try {
    yield* bytesOf(decompressor, file);
  } finally {
    compressed.destroy();
    decompressor.destroy();
  }
}

/** What the program says on its error channel becomes the reason. */
async function* throughProgram(
  program: keyof typeof programs,
  compressed: Readable,
  file: string,
): AsyncGenerator<Uint8Array> {
  const child = spawn(program, [...programs[program]], { stdio: ['pipe', 'pipe', 'pipe'] });
  // A program that ended early is told apart by its exit, not by the broken pipe.
  child.stdin.on('error', () => undefined);
  compressed.on('error', () => child.kill('SIGKILL'));
  compressed.pipe(child.stdin);
  let stderr = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    if (stderr.length < 4096) stderr += text;
  });
  const ended = new Promise<{ code: number | null; error?: Error }>((resolve) => {
    child.on('error', (error) => resolve({ code: null, error }));
    child.on('close', (code) => resolve({ code }));
  });
  try {
    yield* bytesOf(child.stdout, file);
    const { code, error } = await ended;
    if (error !== undefined)
      throw new SourceError(
        'program-missing',
        `the program ${program} is needed to read it and could not be started`,
        {
          path: file,
          cause: error,
        },
      );
    if (code !== 0) throw decompressionError(file, stderr.trim().replaceAll('\n', ' '), undefined);
  } finally {
    compressed.destroy();
    child.kill('SIGKILL');
  }
}

function decompressionError(file: string, message: string, cause: unknown): SourceError {
  if (cause instanceof SourceError) return cause;
  return /unexpected end|ends unexpectedly|truncated/i.test(message)
    ? new SourceError('truncated', 'the archive ends in the middle', { path: file, cause })
    : new SourceError('archive-malformed', `it cannot be decompressed: ${message}`, { path: file, cause });
}
