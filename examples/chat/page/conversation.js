/** A story: the user's beginning and what the model made of it. */
export class Story {
    /** @param {string} begun */
    constructor(begun) {
        this.begun = begun;
        this.told = '';
    }
}

export class Conversation {
    /** @type {Story[]} */
    stories = [];

    /** @param {string} begun */
    begin(begun) {
        const story = new Story(begun);
        this.stories.push(story);
        return story;
    }
}
