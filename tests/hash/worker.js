import { hashInEngine } from './engine.js';

onmessage = async ({ data: { model, prompts, run } }) => {
    try {
        const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
        postMessage({ hash: await hashInEngine(bytes, prompts, run) });
    } catch (error) {
        postMessage({ error: String(error) });
    }
};
