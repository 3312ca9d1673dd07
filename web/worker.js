import './trusted.js';
import { serve } from './serve.js';

const scope = /** @type {any} */ (globalThis);
const take = serve((message, transfer) => scope.postMessage(message, transfer ?? []));
scope.onmessage = (/** @type {MessageEvent} */ { data }) => take(data);
