/** A DNS server over UDP whose mood changes: real servers do not lie when told to. */
import dgram from 'node:dgram';

/** What a name has: `mx` as "preference exchange", `a` as IPv4 addresses. */
export interface ZoneEntry {
  readonly mx?: readonly string[];
  readonly a?: readonly string[];
}

/**
 * `zone`: knows its names and the root, as any resolver that has the Internet behind it; no other name exists.
 * `no-names`: no name exists. `one-address`: every name has this address and nothing else. `silent`: says nothing.
 * `refuses`: REFUSED to everything. `fails`: SERVFAIL to everything. `redirects`: as `zone`, but names that do not exist
 * have this address.
 */
export type DnsMood =
  | { readonly kind: 'zone' | 'no-names' | 'silent' | 'refuses' | 'fails' }
  | { readonly kind: 'one-address' | 'redirects'; readonly address: string };

export interface ScriptedDns {
  /** For `connection.dnsServers`. */
  readonly server: string;
  /** Questions so far, "MX far.test". */
  readonly asked: readonly string[];
  become(mood: DnsMood): void;
  /** Changes the zone. */
  set(name: string, entry: ZoneEntry | null): void;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
};
const NXDOMAIN = 3;
const RCODES = { refuses: 5, fails: 2 } as const;
/** Long: what is believed after it changed was kept somewhere. */
const TTL_S = 3600;

/** Starts it on a free loopback port. */
export async function startScriptedDns(
  first: Readonly<Record<string, ZoneEntry>>,
  at: { readonly host?: string; readonly port?: number } = {},
): Promise<ScriptedDns> {
  const zone = new Map(Object.entries(first));
  const asked: string[] = [];
  let mood: DnsMood = { kind: 'zone' };
  const socket = dgram.createSocket('udp4');
  socket.on('message', (packet, from) => {
    const { name, type, end } = questionOf(packet);
    asked.push(`${TYPES[type] ?? String(type)} ${name}`);
    if (mood.kind === 'silent') return;
    const { rcode, records } = answerTo(mood, zone, name, type);
    const head = Buffer.from(packet.subarray(0, 12));
    // Response, recursion available; one question, these answers, nothing else.
    head[2] = 0x81;
    head[3] = 0x80 | rcode;
    for (const [offset, count] of [[4, 1], [6, records.length], [8, 0], [10, 0]] as const) head.writeUInt16BE(count, offset); // prettier-ignore
    const answers = records.map((data) => {
      const fields = Buffer.alloc(12);
      // A pointer to the name in the question.
      fields.writeUInt16BE(0xc00c, 0);
      fields.writeUInt16BE(type, 2);
      fields.writeUInt16BE(1, 4);
      fields.writeUInt32BE(TTL_S, 6);
      fields.writeUInt16BE(data.length, 10);
      return Buffer.concat([fields, data]);
    });
    socket.send(Buffer.concat([head, packet.subarray(12, end), ...answers]), from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(at.port ?? 0, at.host ?? '127.0.0.1', resolve);
  });
  const { address, port } = socket.address();
  return {
    server: `${address}:${port}`,
    asked,
    become(next) {
      mood = next;
    },
    set(name, entry) {
      if (entry === null) zone.delete(name);
      else zone.set(name, entry);
    },
    close: () =>
      new Promise((resolve) => {
        socket.close(() => {
          resolve();
        });
      }),
  };
}

function answerTo(
  mood: Exclude<DnsMood, { readonly kind: 'silent' }>,
  zone: ReadonlyMap<string, ZoneEntry>,
  name: string,
  type: number,
): { readonly rcode: number; readonly records: readonly Buffer[] } {
  const is = (wanted: string): boolean => TYPES[type] === wanted;
  const none = { rcode: 0, records: [] };
  const invented = 'address' in mood ? { rcode: 0, records: is('A') ? [ipv4(mood.address)] : [] } : null;
  if (mood.kind === 'no-names') return { rcode: NXDOMAIN, records: [] };
  if (mood.kind === 'refuses' || mood.kind === 'fails') return { rcode: RCODES[mood.kind], records: [] };
  if (mood.kind === 'one-address') return invented ?? none;
  if (name === '') return { rcode: 0, records: is('NS') ? [wireName('a.root-servers.test')] : [] };
  const entry = zone.get(name);
  if (entry === undefined) return invented ?? { rcode: NXDOMAIN, records: [] };
  if (is('A')) return { rcode: 0, records: (entry.a ?? []).map(ipv4) };
  return { rcode: 0, records: is('MX') ? (entry.mx ?? []).map(mxRecord) : [] };
}

function questionOf(packet: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = packet[at] ?? 0; length > 0; length = packet[at] ?? 0) {
    labels.push(packet.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: packet.readUInt16BE(at + 1), end: at + 5 };
}

function ipv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function mxRecord(text: string): Buffer {
  const [preference = '0', exchange = ''] = text.split(' ');
  const head = Buffer.alloc(2);
  head.writeUInt16BE(Number(preference), 0);
  return Buffer.concat([head, wireName(exchange)]);
}

/** "." and "" are the root. */
function wireName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);
}
