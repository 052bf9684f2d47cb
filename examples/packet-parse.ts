/** Parse a network packet: header, payload and checksum are slices of one buffer, nothing is copied. */
import assert from 'node:assert/strict';
import { MemoryView } from 'zerocopy';

/** An IPv4 header of 20 bytes with a UDP datagram behind it, as it comes off the wire. */
const packet = Buffer.from('45000021000040004011b8b3c0a80001c0a800c7' + '30390035000d0000' + '68656c6c6f', 'hex');

const view = new MemoryView(packet, { readonly: true });
const words = view.slice(0, 20).cast('>H');
const header = view.slice(0, (Number(view.get(0)) & 15) * 4);
const udp = view.slice(header.length);
const [sourcePort, targetPort, length] = udp.slice(0, 6).cast('>H').toList() as number[];
const payload = udp.slice(8, length);

/** The ones' complement sum of RFC 1071 over the header, checksum included, is 0xffff. */
let sum = 0;
for (const word of words) sum += Number(word);
while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);

assert.equal(words.get(1), packet.length, 'total length');
assert.equal(sum, 0xffff, 'checksum');
assert.deepEqual([sourcePort, targetPort], [12345, 53]);
assert.equal(Buffer.from(payload.toBytes()).toString(), 'hello');
assert.equal(payload.obj, packet, 'still the same memory');
console.log(`${header.slice(12, 16).toList().toString()} -> ${header.slice(16, 20).toList().toString()}: ${payload.hex(' ')}`);
