//! The model itself: a text goes in, a vector comes out. It stays on the thread that made it, since the tokenizer cannot move.

use crate::folder::{Contents, Prompts, UnusableFolder, unreadable};
use crate::model::{EmbedError, Side};
use crate::pooling::Pooling;
use crate::tokens::Marks;
use domain::vector::{ModelName, Vector};
use rten::{ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use rten_text::{Tokenizer, TokenizerError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// What a BERT-like model is given: the tokens, which of them count, and which of two texts each belongs to.
const INPUTS: [&str; 3] = ["input_ids", "attention_mask", "token_type_ids"];
/// So many blanks stand behind a text before it is cut into tokens. The tokenizer (rten-text 0.27) looks up where each piece of a word
/// lies, puts each two bytes too far behind the one before, for its "##", and panics when one lies behind the text's end: over
/// "ECONNREFUSED", for one. It cuts no word of more than 100 letters. Blanks are no tokens, and nobody asks where pieces lie.
const ROOM: usize = 200;
/// An output of this name is a vector of the whole text already.
const WHOLE: &str = "sentence_embedding";

/// A model that is in memory.
pub(crate) struct Engine {
    name: ModelName,
    tokenizer: Tokenizer,
    marks: Option<Marks>,
    model: rten::Model,
    inputs: Vec<(NodeId, usize)>,
    output: NodeId,
    pooling: Pooling,
    most_tokens: usize,
    prompts: Prompts,
    /// One thread: what is done in the background must not take the machine.
    threads: Arc<ThreadPool>,
}

impl Engine {
    /// Reads the model in `folder` and tries it once.
    ///
    /// # Errors
    /// [`UnusableFolder`] says what is wrong with it.
    pub(crate) fn open(folder: &Path) -> Result<Self, UnusableFolder> {
        let contents = Contents::read(folder)?;
        let name = contents.name();
        let tokenizer = Tokenizer::from_json(&contents.tokenizer)
            .map_err(|error| unreadable(&folder.join("tokenizer.json"), error.to_string()))?;
        // Weights as they lie in the file: to keep a second form of them takes half as much memory again, and saves little time.
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(false);
        let model = options
            .load(contents.model)
            .map_err(|error| unreadable(&contents.model_file, error.to_string()))?;
        let unfit = |reason| UnusableFolder::Unfit { folder: folder.to_owned(), reason };
        let (inputs, output) = ends(&model).map_err(unfit)?;
        let it = Self {
            name,
            tokenizer,
            marks: contents.marks,
            model,
            inputs,
            output,
            pooling: contents.pooling,
            most_tokens: contents.most_tokens,
            prompts: contents.prompts,
            threads: Arc::new(ThreadPool::with_num_threads(1)),
        };
        it.embed("a", Side::Passage).map_err(|error| unfit(error.to_string()))?;
        Ok(it)
    }

    /// Which model it is.
    pub(crate) const fn name(&self) -> ModelName {
        self.name
    }

    /// What a text means; of a long one, its beginning.
    ///
    /// # Errors
    /// [`EmbedError`], of which none changes the model.
    pub(crate) fn embed(&self, text: &str, side: Side) -> Result<Vector, EmbedError> {
        // Foreign code on any text whatever: a fault in it must not cost more than this text.
        catch_unwind(AssertUnwindSafe(|| self.run(text, side))).unwrap_or(Err(EmbedError::Crashed))
    }

    fn run(&self, text: &str, side: Side) -> Result<Vector, EmbedError> {
        let tokens = self.tokens(text, side).map_err(|error| EmbedError::Tokens(error.to_string()))?;
        let shape = [1, tokens.len()];
        let given = [
            NdTensor::from_data(shape, tokens),
            NdTensor::<i32, 2>::full(shape, 1),
            NdTensor::<i32, 2>::zeros(shape),
        ];
        let inputs = self
            .inputs
            .iter()
            .map(|(node, which)| (*node, ValueOrView::from(given[*which].view())))
            .collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let [output] = self
            .model
            .run_n(inputs, [self.output], Some(options))
            .map_err(|error| EmbedError::Run(error.to_string()))?;
        self.vector(output)
    }

    fn tokens(&self, text: &str, side: Side) -> Result<Vec<i32>, TokenizerError> {
        let prompt = match side {
            Side::Query => &self.prompts.query,
            Side::Passage => &self.prompts.passage,
        };
        let text = format!("{prompt}{text}{:ROOM$}", "");
        let tokens = self.tokenizer.encode(text.as_str(), None)?.into_token_ids();
        let mut tokens: Vec<i32> =
            tokens.into_iter().map(|token| i32::try_from(token).unwrap_or_default()).collect();
        if let Some(last) = tokens.last().copied().filter(|_| tokens.len() > self.most_tokens) {
            // The last one marks the end, also of a text that is cut.
            tokens.truncate(self.most_tokens - 1);
            tokens.push(last);
        }
        // A vocabulary made of BERT's has the usual marks as well, so that nothing would tell.
        if let (Some(Marks { begin, end }), [first, .., last]) = (self.marks, &mut tokens[..]) {
            (*first, *last) = (begin, end);
        }
        Ok(tokens)
    }

    fn vector(&self, output: Value) -> Result<Vector, EmbedError> {
        let shape: Vec<usize> = output.shape().to_vec();
        let wrong = || EmbedError::Shape(format!("{shape:?}"));
        let numbers = match shape.len() {
            2 => output.into_tensor::<f32>().ok_or_else(wrong)?.to_vec(),
            3 => self.pooling.pool(&output.try_into().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        if numbers.is_empty() || numbers.iter().any(|number| !number.is_finite()) {
            return Err(wrong());
        }
        Ok(Vector::of(&numbers))
    }
}

/// The model's inputs, each with its place in [`INPUTS`], and the output to read.
fn ends(model: &rten::Model) -> Result<(Vec<(NodeId, usize)>, NodeId), String> {
    let name = |node: NodeId| model.node_info(node).and_then(|info| info.name().map(str::to_owned));
    let input = |node: &NodeId| {
        let name = name(*node).unwrap_or_default();
        let place = INPUTS.iter().position(|known| *known == name);
        place.map(|place| (*node, place)).ok_or_else(|| format!("it wants {name:?}, which texts do not have"))
    };
    let inputs = model.input_ids().iter().map(input).collect::<Result<Vec<_>, _>>()?;
    if inputs.is_empty() {
        return Err("it takes no tokens".to_owned());
    }
    let outputs = model.output_ids();
    let whole = outputs.iter().find(|node| name(**node).as_deref() == Some(WHOLE));
    let output = whole.or(outputs.first()).ok_or("it gives nothing")?;
    Ok((inputs, *output))
}
