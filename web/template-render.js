// What runs in the worker (in Node the process) of a chat template, which has nothing but the job.

/** @typedef {import('./protocol.js').TemplateJob} Job */

const MOST_BYTES = 256 * 1024;

/** Elements of a list, more than any conversation has. */
const MOST_ELEMENTS = 1e5;

/** Lists grow by these two. Without a bound a template could take all memory before its time is over. */
function boundLists() {
    for (const name of /** @type {const} */ (['push', 'concat'])) {
        /** @type {any} */
        const method = Array.prototype[name];
        Array.prototype[name] = /** @this {any[]} */ function (...items) {
            if (this.length >= MOST_ELEMENTS)
                throw new RangeError(`a list of more than ${MOST_ELEMENTS} elements`);
            return method.apply(this, items);
        };
    }
}

/**
 * Says that it is there, then answers one job.
 * @param {(answer: {ready: true} | {text: string} | {error: string}) => void} post
 * @param {(take: (job: Job) => void) => void} onJob
 */
export async function serveTemplate(post, onJob) {
    try {
        // @ts-ignore: made by the build
        const { Template } = await import('./dist/jinja.mjs');
        boundLists();
        onJob((job) => post(render(Template, job)));
        post({ ready: true });
    } catch (error) {
        post({
            error: `web/dist/jinja.mjs cannot be loaded, make it with npm run build: ${error}`,
        });
    }
}

/**
 * @param {any} Template
 * @param {Job} job
 */
function render(Template, { template, messages, bosToken, eosToken }) {
    try {
        const text = new Template(template).render({
            messages,
            bos_token: bosToken,
            eos_token: eosToken,
            add_generation_prompt: true,
        });
        if (text.length > MOST_BYTES || new TextEncoder().encode(text).length > MOST_BYTES)
            return { error: `it writes more than ${MOST_BYTES} bytes` };
        return { text };
    } catch (error) {
        return { error: String(error instanceof Error ? error.message : error).slice(0, 500) };
    }
}
