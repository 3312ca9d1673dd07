// The child process of hosts.mjs: its Node is the one being measured.
import { Trit } from '../../web/node.js';
import { serveEngine } from './engine.mjs';

const answer = serveEngine(Trit);
process.on('message', async (request) => process.send(await answer(request)));
process.on('disconnect', () => process.exit());
