import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { freePort } from './network';
import { temporaryFolder } from './temporary';
import { requireTool } from './tool';

/**
 * Starts nginx with what stands in its http block, `listen 80` taken for a free port of this machine alone; answers
 * that port. All end with the suite: call inside describe().
 */
export function nginxServers(): (http: string) => Promise<number> {
  const folder = temporaryFolder();
  const running: ChildProcess[] = [];
  after(() => { for (const child of running) child.kill('SIGKILL'); });
  return async (http) => {
    const port = await freePort();
    const name = String(running.length);
    const configuration = folder.file(`${name}.conf`, `
      daemon off; master_process off; pid ${name}.pid; error_log stderr crit; worker_processes 1;
      events { worker_connections 64; }
      http {
        access_log off;
        client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
        ${http.replace('listen 80', `listen 127.0.0.1:${String(port)}`)}
      }`);
    const args = ['-p', path.dirname(configuration), '-c', configuration, '-e', 'stderr'];
    running.push(spawn(requireTool('nginx', 'nginx-light'), args, { stdio: ['ignore', 'inherit', 'inherit'] }));
    await answers(port);
    return port;
  };
}

async function answers(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const socket = net.connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      socket.destroy();
      return;
    } catch (error) {
      if (attempt > 100) throw error;
      await pause(50);
    }
  }
}
