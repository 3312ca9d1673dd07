// The child process of hosts.mjs: its Node is the one being measured.
import { Trit } from '../../web/node.js';
import { serveEngine } from './engine.mjs';

const answer = serveEngine(Trit);
process.on('message', async (request) => {
    const begin = process.cpuUsage();
    const { value, error } = await answer(request);
    const { user, system } = process.cpuUsage(begin);
    process.send({ value: value && { ...value, cpuMs: (user + system) / 1000 }, error });
});
process.on('disconnect', () => process.exit());
