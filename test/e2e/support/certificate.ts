/**
 * A self-signed certificate for 127.0.0.1 and localhost, made afresh for each run: no key lies in the repository and no
 * tool is needed. Just enough DER (X.690) for RFC 5280 §4.1; it knows no other certificate.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  /** PEM. The certificate is its own authority: it is what a CA file holds. */
  readonly cert: string;
  readonly key: string;
}

const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  dnsName: 0x82,
  ipAddress: 0x87,
  version: 0xa0,
  extensions: 0xa3,
} as const;

const oid = {
  commonName: Buffer.from('0603550403', 'hex'),
  subjectAltName: Buffer.from('0603551d11', 'hex'),
  basicConstraints: Buffer.from('0603551d13', 'hex'),
  ecdsaWithSha256: Buffer.from('06082a8648ce3d040302', 'hex'),
};

export function createCertificate(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(tag.sequence, oid.ecdsaWithSha256);
  const name = der(
    tag.sequence,
    der(tag.set, der(tag.sequence, oid.commonName, text(tag.utf8String, 'end to end tests'))),
  );
  const body = der(
    tag.sequence,
    der(tag.version, der(tag.integer, Buffer.of(2))),
    // A positive serial number: the first bit is the sign.
    der(tag.integer, Buffer.of(1), randomBytes(15)),
    algorithm,
    name,
    // RFC 5280 §4.1.2.5: two-digit years until 2049, four digits behind.
    der(tag.sequence, text(tag.utcTime, '200101000000Z'), text(tag.generalizedTime, '21200101000000Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      tag.extensions,
      der(
        tag.sequence,
        extension(
          oid.subjectAltName,
          text(tag.dnsName, 'localhost'),
          der(tag.ipAddress, Buffer.of(127, 0, 0, 1)),
        ),
        extension(oid.basicConstraints, der(tag.boolean, Buffer.of(0xff))),
      ),
    ),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = der(tag.sequence, body, algorithm, der(tag.bitString, Buffer.of(0), signature));
  const lines = certificate
    .toString('base64')
    .replace(/(.{64})/g, '$1\n')
    .trimEnd();
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function extension(id: Buffer, ...content: Buffer[]): Buffer {
  return der(tag.sequence, id, der(tag.octetString, der(tag.sequence, ...content)));
}

function text(tagByte: number, content: string): Buffer {
  return der(tagByte, Buffer.from(content));
}

/** Tag, length, content: X.690 §8.1. Nothing here is longer than 65,535 bytes. */
function der(tagByte: number, ...content: Buffer[]): Buffer {
  const bytes = Buffer.concat(content);
  const { length } = bytes;
  const head =
    length < 0x80
      ? Buffer.of(tagByte, length)
      : length < 0x100
        ? Buffer.of(tagByte, 0x81, length)
        : Buffer.of(tagByte, 0x82, length >> 8, length & 0xff);
  return Buffer.concat([head, bytes]);
}
