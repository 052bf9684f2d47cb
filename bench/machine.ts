import os from 'node:os';

/** What figures were measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly system: string;
}

/** Release without a distribution's suffix: '6.18.44'. */
export function describeMachine(): Machine {
  const release = /^[\d.]+/.exec(os.release())?.[0] ?? os.release();
  const cpus = os.cpus();
  return {
    cpu: (cpus[0]?.model ?? 'unknown CPU').trim(),
    cpus: cpus.length,
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${release} ${os.arch()}`,
  };
}
