// The worker of faulty.mjs in browsers, as a workerUrl. `?threads=silent` or `?threads=throwing` for its threads.
import { serve } from '../../web/serve.js';
import { faultyWorker, withFaults } from './faulty.mjs';

const kind = new URLSearchParams(location.search).get('threads');
const code = new Blob(['throw new Error("no thread")'], { type: 'text/javascript' });
globalThis.Worker = faultyWorker(Worker, kind, [URL.createObjectURL(code)]);
const post = (message, transfer) => postMessage(message, transfer ?? []);
const own = { end: () => close(), threads: Worker.threads };
const take = withFaults(serve(post), post, own);
onmessage = ({ data }) => take(data);
