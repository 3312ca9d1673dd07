import { serveTemplate } from './template-render.js';

const scope = /** @type {any} */ (globalThis);
serveTemplate(
    (answer) => scope.postMessage(answer),
    (take) => (scope.onmessage = (/** @type {MessageEvent} */ { data }) => take(data)),
);
