/** A DNS server of one's own, that answers every question for an IPv4 address alike. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export interface NameServer {
  /** ADDRESS:PORT. */
  readonly address: string;
  close(): void;
}

/** @param answers the addresses in each answer; the last one stands for all that follow */
export async function startNameServer(answers: readonly (readonly string[])[]): Promise<NameServer> {
  const socket = createSocket('udp4');
  let asked = 0;
  socket.on('message', (query, { address, port }) => {
    // RFC 1035, 4.1: the one question stands behind a header of twelve bytes; its name ends with a zero.
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const isForIpv4 = question.readUInt16BE(question.length - 4) === 1;
    const found = isForIpv4 ? (answers[Math.min(asked++, answers.length - 1)] ?? []) : [];
    const header = Buffer.from([0x81, 0x80, 0, 1, 0, found.length, 0, 0, 0, 0]);
    const records = found.map((ip) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...ip.split('.').map(Number)]),
    );
    socket.send(Buffer.concat([query.subarray(0, 2), header, question, ...records]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { address: `127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}
