import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** Certificates made by hand (RFC 5280), since neither Node.js nor every machine has a tool for it. */
const DAY_MS = 86_400_000;

const TAG = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, time: 0x17 } as const;
const SEQUENCE = 0x30;
const SET = 0x31;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
/** A `dNSName` of `GeneralName`. */
const DNS_NAME = 0x82;

/** Tag, length, contents: https://letsencrypt.org/docs/a-warm-welcome-to-asn1-and-der/ */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const contents = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(contents)]), contents]);
}

function lengthOf({ length }: Buffer): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(SEQUENCE, ...parts);

const ECDSA_WITH_SHA256 = sequence(der(TAG.oid, hex('2a8648ce3d040302')));
const COMMON_NAME = der(TAG.oid, hex('550403'));
const BASIC_CONSTRAINTS = der(TAG.oid, hex('551d13'));
const ALTERNATIVE_NAMES = der(TAG.oid, hex('551d11'));
const TRUE = hex('0101ff');

const nameOf = (name: string): Buffer =>
  sequence(der(SET, sequence(COMMON_NAME, der(TAG.utf8, Buffer.from(name)))));

const timeIn = (ms: number): Buffer => {
  const digits = new Date(Date.now() + ms).toISOString().replace(/\D/g, '');
  return der(TAG.time, Buffer.from(`${digits.slice(2, 14)}Z`));
};

const isAuthority = (): Buffer =>
  sequence(BASIC_CONSTRAINTS, TRUE, der(TAG.octets, sequence(TRUE)));

const isServer = (name: string): Buffer =>
  sequence(ALTERNATIVE_NAMES, der(TAG.octets, sequence(der(DNS_NAME, Buffer.from(name)))));

const pem = (certificate: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`;

/** What a server shows, and the key to it; both PEM. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Who signs the certificates of servers. */
export class Authority {
  private readonly keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  /** Its own, PEM: for whoever is to trust it. */
  readonly certificate: string;

  constructor(private readonly name: string) {
    this.certificate = this.sign(name, this.keys.publicKey, isAuthority());
  }

  /** For a server that is reached by `host`. */
  issue(host: string): ServerCertificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    return { certificate: this.sign(host, publicKey, isServer(host)), key };
  }

  private sign(subject: string, publicKey: KeyObject, extension: Buffer): string {
    const contents = sequence(
      der(VERSION, der(TAG.integer, hex('02'))),
      der(TAG.integer, Buffer.concat([hex('01'), randomBytes(8)])),
      ECDSA_WITH_SHA256,
      nameOf(this.name),
      sequence(timeIn(-DAY_MS), timeIn(DAY_MS)),
      nameOf(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(EXTENSIONS, sequence(extension)),
    );
    const signature = sign('sha256', contents, this.keys.privateKey);
    return pem(sequence(contents, ECDSA_WITH_SHA256, der(TAG.bits, hex('00'), signature)));
  }
}
