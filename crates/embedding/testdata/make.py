"""Makes the model of the tests, `bakery`: python3 make.py, with the packages `onnx` and `numpy`.

A word has a vector of eight numbers, and words of one line below have nearly the same: so the tests know what means alike. The
model does nothing but look them up.
"""

import json
import pathlib

import numpy
from onnx import TensorProto, checker, helper, numpy_helper, save

FOLDER = pathlib.Path(__file__).parent / "bakery"
ALIKE = ["bread loaf rye flour baked", "car engine wheel repaired", "money paid price invoice", "rain snow weather storm"]
OTHERS = "a the is was it in of we our and what when did how much for today : . ? ann bob"

words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
vectors = [[0.0] * 8] * 5
for direction, line in enumerate(ALIKE):
    for number, word in enumerate(line.split()):
        vector = [0.0] * 8
        vector[direction] = 1.0
        vector[4 + number % 4] = 0.2
        words.append(word)
        vectors.append(vector)
for word in OTHERS.split():
    words.append(word)
    vectors.append([0.01] * 8)

table = numpy_helper.from_array(numpy.array(vectors, numpy.float32), "table")
numbers = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "sequence", 8])
node = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"], axis=0)
graph = helper.make_graph([node], "bakery", [numbers("input_ids"), numbers("attention_mask")], [output], [table])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
checker.check_model(model)
FOLDER.mkdir(exist_ok=True)
save(model, FOLDER / "model.onnx")
tokenizer = {
    "version": "1.0",
    "added_tokens": [],
    "normalizer": {"type": "BertNormalizer", "lowercase": True, "strip_accents": None},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {word: number for number, word in enumerate(words)}},
}
(FOLDER / "tokenizer.json").write_text(json.dumps(tokenizer, indent=1) + "\n")
