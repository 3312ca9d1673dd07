// Loads and answers in a process of its own, as a page does in same-ids.test.mjs.
import { Trit } from '../../web/node.js';
import { answer } from './same-ids.mjs';

process.on('message', async (asked) => process.send(await answer(Trit, ...asked)));
