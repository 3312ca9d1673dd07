import { runInNewContext } from 'node:vm';
import { serveTemplate } from './template-render.js';

/** Milliseconds after which a loop ends also when nobody is left to end this process. */
const TIMEOUT = 2000;

serveTemplate(
    (answer) => process.send?.(answer),
    (take) =>
        process.on('message', (/** @type {any} */ job) => {
            runInNewContext('take()', { take: () => take(job) }, { timeout: TIMEOUT });
        }),
);
