// What every host is asked in same-ids.test.mjs.
const PROMPT = 'Once upon a time';
const WISHES = {
    greedy: { temperature: 0, maxTokens: 40 },
    sampled: { temperature: 0.8, seed: 7, maxTokens: 40 },
};

/** The ids of both wishes, and what the engine was; or the code of why it cannot be had. */
export async function answer(Trit, source, options) {
    let model;
    try {
        model = await Trit.load(source, options);
    } catch ({ code, message }) {
        return { code, message };
    }
    const ids = {};
    for (const [name, wish] of Object.entries(WISHES))
        ids[name] = (await model.generate(PROMPT, wish).result).ids;
    const { flavour, threads, stored = false } = model.info;
    model.close();
    return { ids, engine: [flavour, threads, stored] };
}
