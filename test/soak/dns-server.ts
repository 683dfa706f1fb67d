/** The resolver of the soak in real time: UDP on loopback, in the mood that it is told. */
import dgram from 'node:dgram';
import { resolve, type DnsMood, type Internet } from './internet.ts';

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 2: 'NS', 15: 'MX', 16: 'TXT', 28: 'AAAA', 33: 'SRV' };
const TTL_S = 60;

export interface SoakDns {
  /** For `connection.dnsServers`. */
  readonly server: string;
  become(mood: DnsMood): void;
  close(): void;
}

/** @param lie the address that one mood has for every name */
export async function startSoakDns(internet: Internet, lie: string): Promise<SoakDns> {
  let mood: DnsMood = 'sane';
  const socket = dgram.createSocket('udp4');
  socket.on('message', (question, from) => {
    const { name, type, end } = read(question);
    const answer = resolve(internet, mood, lie, TYPES[type] ?? '', name);
    if (answer.kind === 'silence') return;
    const records =
      answer.kind === 'mx'
        ? answer.records.map(({ exchange, priority }) => Buffer.concat([u16(priority), wireName(exchange)]))
        : answer.kind === 'a'
          ? answer.records.map((address) => Buffer.from(address.split('.').map(Number)))
          : answer.kind === 'ns'
            ? answer.records.map(wireName)
            : [];
    const code = answer.kind === 'nxdomain' ? 3 : answer.kind === 'servfail' ? 2 : 0;
    const head = Buffer.concat([
      question.subarray(0, 2),
      u16(0x8180 | code),
      u16(1),
      u16(records.length),
      u16(0),
      u16(0),
    ]);
    const rows = records.map((data) =>
      // The name is the question's, which stands at octet 12.
      Buffer.concat([u16(0xc00c), u16(type), u16(1), u16(0), u16(TTL_S), u16(data.length), data]),
    );
    socket.send(Buffer.concat([head, question.subarray(12, end), ...rows]), from.port, from.address);
  });
  await new Promise<void>((bound) => {
    socket.bind(0, '127.0.0.1', bound);
  });
  return {
    server: `127.0.0.1:${socket.address().port}`,
    become(next) {
      mood = next;
    },
    close: () => {
      socket.close();
    },
  };
}

function u16(n: number): Buffer {
  return Buffer.from([n >> 8, n & 0xff]);
}

function wireName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((l) => Buffer.concat([Buffer.from([l.length]), Buffer.from(l, 'latin1')])),
    Buffer.from([0]),
  ]);
}

function read(question: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.'), type: question.readUInt16BE(at + 1), end: at + 5 };
}
