// The child process of hosts.mjs: its Node is the one being measured.
import { Trit } from '../../web/node.js';
import { serveEngine } from './engine.mjs';

const answer = serveEngine(Trit);
process.on('message', async (request) => {
    const begin = process.cpuUsage();
    const { value, error } = await answer(request);
    const { user, system } = process.cpuUsage(begin);
    const measured = request.op === 'measure' && value;
    process.send({
        value: measured ? { ...value, cpuMs: (user + system) / 1000 } : value,
        error,
    });
});
process.on('disconnect', () => process.exit());
