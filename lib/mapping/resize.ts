/**
 * Another length for a mapping and its file, for both or for neither. The file is mapped anew first, which changes
 * nothing and needs no file of that length; only then it is cut or made longer, and when that fails the new map goes.
 * Windows maps nothing beyond the end of a file, so there it is made longer first, and cuts none that is mapped.
 *
 * Mapping anew instead of mremap(2): raw arrays over the old memory keep it, maps that advice has split are no
 * obstacle, and a file can grow from nothing.
 */
import { fstatSync, ftruncateSync } from 'node:fs';

import { systemError, unavailable, valueOrThrow, zeroCopyError } from '../errors';
import { native, type Access, type RegionHandle } from '../native';
import { wholeNumber } from '../validate';
import { withRoom } from './refusals';

/** The mapping as it is. */
export interface Resizable {
  readonly access: Access;
  readonly byteLength: number;
  readonly fileOffset: number;
  readonly path?: string;
}

/**
 * A region of `byteLength` bytes of the same file, which now ends where that does. `anonymous`: of memory no file has.
 * @throws ERR_VIEW_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_TOO_MANY_MAPPINGS; system errors; on Windows
 * ERR_FEATURE_UNAVAILABLE_ON_PLATFORM where the file would become shorter
 */
export function resizedRegion(
  mapping: Resizable, region: RegionHandle, anonymous: boolean, byteLength: unknown,
): RegionHandle {
  const { access, fileOffset, path } = mapping;
  if (access !== 'write') {
    throw zeroCopyError('ERR_VIEW_READONLY', `A mapping of access '${access}' does not change its file, so it cannot be resized`);
  }
  const longest = anonymous ? mapping.byteLength : Number.MAX_SAFE_INTEGER - fileOffset;
  const length = wholeNumber(byteLength, 'byteLength', 0, longest);
  const fd = native.regionDescriptor(region);
  if (process.platform === 'win32') return lengthened(region, length, { fd, end: fileOffset + length, path });
  const made = mapAgain(region, length, path);
  try {
    setFileLength(fd, fileOffset + length, path);
  } catch (error) {
    native.closeRegion(made);
    throw error;
  }
  return made;
}

function mapAgain(region: RegionHandle, length: number, path: string | undefined): RegionHandle {
  return valueOrThrow(withRoom(native.mapAgain(region, length)), path);
}

/** The other order. `end`: of the file, when it is done. */
function lengthened(
  region: RegionHandle, length: number, file: { fd: number; end: number; path: string | undefined },
): RegionHandle {
  const { fd, end, path } = file;
  const { size } = fstatSync(fd);
  if (end < size) throw unavailable('Making a file shorter while it is mapped');
  setFileLength(fd, end, path);
  try {
    return mapAgain(region, length, path);
  } catch (error) {
    ftruncateSync(fd, size);
    throw error;
  }
}

/** The blocks of what is added are allocated: a full disk is ENOSPC now, not a fault when it is written. */
function setFileLength(fd: number, length: number, path: string | undefined): void {
  const { size } = fstatSync(fd);
  if (length > size) valueOrThrow(native.allocateFile(fd, size, length - size), path);
  else if (length < size) truncate(fd, length, path);
}

/** fs.ftruncateSync() does not know the path. */
function truncate(fd: number, length: number, path: string | undefined): void {
  try {
    ftruncateSync(fd, length);
  } catch (error) {
    throw systemError({ errno: -((error as NodeJS.ErrnoException).errno ?? 0), syscall: 'ftruncate' }, path);
  }
}
