/** The descriptor of a FileHandle; -1 when it was closed; undefined for what is none. */
export function handleDescriptor(value: unknown): number | undefined {
  const { fd } = Object(value) as { fd?: unknown };
  return typeof fd === 'number' ? fd : undefined;
}
