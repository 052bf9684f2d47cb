/** May a view be looked at? Asked before every operation, and again after whatever ran the caller's code. */
import { invalidThis } from '../errors';
import { copyArea } from './copy';
import { readonlyError } from './elements';
import { checkOwner, faultEpoch, isOwner } from './owner';
import { areaIn, type Parts } from './parts';
import type { Area } from './walk';

// Bound once, for the hot paths: what a module exports is looked up at every use.
const epochs = faultEpoch;

/** The parts of a view that may be looked at. Throws why it may not; ERR_INVALID_THIS for what is no view. */
export function opened(view: object): Parts {
  const parts = view as Parts | undefined;
  const owner = parts?.owner;
  if (owner?.open !== true) throw whyNot(parts);
  if (owner.epoch !== epochs[0]) {
    if (!isOwner(owner)) throw whyNot(parts); // it looked open only
    checkOwner(owner);
  }
  return parts as Parts;
}

function whyNot(parts: Parts | undefined): Error {
  const owner: unknown = parts?.owner;
  return isOwner(owner) ? owner.exporter.reason() : invalidThis('MemoryView');
}

/** The parts of an open view that takes writes. Throws ERR_VIEW_READONLY. */
export function writable(view: object): Parts {
  const parts = opened(view);
  checkOwner(parts.owner);
  if (parts.form.readonly) throw readonlyError();
  return parts;
}

/** The elements of an open view whose memory is there. */
export function readable(view: object): Area {
  const area = areaIn(opened(view));
  checkOwner(area.owner);
  return area;
}

/** Copies when both sides are still there: from here on nothing of the caller's runs. */
export function copyChecked(from: Area, to: Area): void {
  checkOwner(from.owner);
  checkOwner(to.owner);
  copyArea(from, to);
  checkOwner(from.owner);
  checkOwner(to.owner);
}

/** `result`, unless memory was lost while it was read, which gave zeros. Throws ERR_MAPPING_FAULT. */
export function intact<T>(from: Area, result: T): T {
  checkOwner(from.owner);
  return result;
}
