"""Other people's sentence encoders on the same weights, one a process, asked as bench_encoder is.

    python encoder_peers.py NAME MODEL_DIR WORK_DIR THREADS

prints one line about itself and then answers `texts PATH`, `time FROM N BATCH` and
`vectors FROM N PATH BATCH`. Tokens, mean and length are in the time, as they are in eddy's. Texts
are sorted by length and padded to the longest of their batch, the best that these engines can do.
Runs in the peers' virtual environment; what has to be made of the model lies in WORK_DIR.
"""
import json
import os
import sys
import time

import numpy as np

LIMIT = 256  # tokens, as sentence-transformers reads them with this model


def weights(path):
    """The float32 tensors of a safetensors file by name."""
    with open(path, "rb") as f:
        head = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        base = f.tell()
        ret = {}
        for name, at in head.items():
            if at.get("dtype") == "F32":
                f.seek(base + at["data_offsets"][0])
                n = at["data_offsets"][1] - at["data_offsets"][0]
                ret[name.removeprefix("bert.")] = np.frombuffer(f.read(n), "<f4").reshape(at["shape"])
    return ret


def onnx_write(model, path):
    """BERT as onnxruntime's own fused operators, the most that its optimizer would make of an export:
    EmbedLayerNormalization, Attention, SkipLayerNormalization, BiasGelu; and the mean of the tokens."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    with open(os.path.join(model, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    w = weights(os.path.join(model, "model.safetensors"))
    nodes, tensors, ms = [], {}, "com.microsoft"

    def const(name, array):
        tensors[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def of(*names):
        return [const(n, w[n]) for n in names]

    def turned(name):
        return const(name + ".T", w[name].T)

    def node(kind, ins, outs, domain="", **attributes):
        nodes.append(helper.make_node(kind, ins, outs, domain=domain, **attributes))
        return outs[0]

    def add_norm(x, skip, norm, bias):
        return node("SkipLayerNormalization", [x, skip, *of(norm + ".weight", norm + ".bias", bias)],
                    [norm + ".out"], ms, epsilon=config["layer_norm_eps"])

    e = "embeddings."
    positions = const("positions", w[e + "position_embeddings.weight"] + w[e + "token_type_embeddings.weight"][0])
    x = node("EmbedLayerNormalization",
             ["ids", "", *of(e + "word_embeddings.weight"), positions, "",
              *of(e + "LayerNorm.weight", e + "LayerNorm.bias"), "mask"],
             ["first", "lengths"], ms, epsilon=config["layer_norm_eps"])
    for i in range(config["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        qkv = [p + "attention.self." + n for n in ("query", "key", "value")]
        a = node("Attention",
                 [x, const(p + "qkv", np.concatenate([w[q + ".weight"].T for q in qkv], 1)),
                  const(p + "qkv.bias", np.concatenate([w[q + ".bias"] for q in qkv])), "lengths"],
                 [p + "attended"], ms, num_heads=config["num_attention_heads"])
        o = p + "attention.output."
        a = node("MatMul", [a, turned(o + "dense.weight")], [o + "product"])
        x = add_norm(a, x, o + "LayerNorm", o + "dense.bias")
        f = node("MatMul", [x, turned(p + "intermediate.dense.weight")], [p + "up"])
        f = node("BiasGelu", [f, *of(p + "intermediate.dense.bias")], [p + "gelu"], ms)
        f = node("MatMul", [f, turned(p + "output.dense.weight")], [p + "down"])
        x = add_norm(f, x, p + "output.LayerNorm", p + "output.dense.bias")
    real = node("Unsqueeze", [node("Cast", ["mask"], ["real"], to=TensorProto.FLOAT),
                              const("two", np.array([2], np.int64))], ["real3"])
    total = node("ReduceSum", [node("Mul", [x, real], ["kept"]), const("one", np.array([1], np.int64))],
                 ["total"], keepdims=0)
    node("LpNormalization", [total], ["rows"], axis=1, p=2)
    graph = helper.make_graph(
        nodes, "bert", [helper.make_tensor_value_info(n, TensorProto.INT32, ["b", "s"]) for n in ("ids", "mask")],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["b", config["hidden_size"]])],
        list(tensors.values()))
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid(ms, 1)]), path)


class Tokens:
    """Texts as batches of token ids, sorted by length."""

    def __init__(self, model):
        from tokenizers import Tokenizer
        self.tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LIMIT)

    def batches(self, texts, size):
        """(places of the texts, their ids) of each batch."""
        ids = [e.ids for e in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        for at in range(0, len(order), size):
            places = order[at:at + size]
            yield places, [ids[i] for i in places]


def padded(ids):
    """Ids and mask, (texts, longest)."""
    x = np.zeros((len(ids), max(map(len, ids))), np.int32)
    mask = np.zeros_like(x)
    for i, row in enumerate(ids):
        x[i, :len(row)] = row
        mask[i, :len(row)] = 1
    return x, mask


class Onnxruntime:
    def __init__(self, model, work, threads, int8=False):
        import onnxruntime
        path = os.path.join(work, "fused.onnx")
        onnx_write(model, path)
        if int8:
            from onnxruntime.quantization import QuantType, quantize_dynamic
            f32, path = path, os.path.join(work, "int8.onnx")
            quantize_dynamic(f32, path, per_channel=True, weight_type=QuantType.QInt8,
                             op_types_to_quantize=["MatMul", "Attention"],
                             extra_options={"DefaultTensorType": 1})  # float32 behind fused operators
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.tokens = Tokens(model)
        self.about = f"onnxruntime {onnxruntime.__version__}, fused graph" + (", dynamic per channel" if int8 else "")

    def rows(self, texts, size):
        ret = None
        for places, ids in self.tokens.batches(texts, size):
            x, mask = padded(ids)
            out = self.session.run(None, {"ids": x, "mask": mask})[0]
            ret = np.empty((len(texts), out.shape[1]), np.float32) if ret is None else ret
            ret[places] = out
        return ret


class Ctranslate2:
    def __init__(self, model, work, threads, kind):
        import ctranslate2
        from ctranslate2.converters import TransformersConverter
        path = os.path.join(work, "ctranslate2")
        TransformersConverter(model).convert(path, force=True)
        self.encoder = ctranslate2.Encoder(path, device="cpu", compute_type=kind, inter_threads=1,
                                           intra_threads=threads)
        self.tokens = Tokens(model)
        self.about = f"ctranslate2 {ctranslate2.__version__}, {self.encoder.compute_type}"

    def rows(self, texts, size):
        ret = None
        for places, ids in self.tokens.batches(texts, size):
            out = np.array(self.encoder.forward_batch(ids).last_hidden_state)
            ret = np.empty((len(texts), out.shape[2]), np.float32) if ret is None else ret
            total = np.einsum("bsd,bs->bd", out, padded(ids)[1].astype(np.float32))
            ret[places] = total / np.linalg.norm(total, axis=1, keepdims=True)
        return ret


class SentenceTransformers:
    def __init__(self, model, work, threads):
        import sentence_transformers
        import torch
        torch.set_num_threads(threads)
        self.model = sentence_transformers.SentenceTransformer(model, device="cpu")
        self.about = (f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}, "
                      f"{torch.backends.cpu.get_cpu_capability()}")

    def rows(self, texts, size):
        return self.model.encode(texts, batch_size=size, normalize_embeddings=True, show_progress_bar=False)


MAKE = {
    "sentence_transformers": SentenceTransformers,
    "onnxruntime_f32": Onnxruntime,
    "onnxruntime_int8": lambda *a: Onnxruntime(*a, int8=True),
    "ctranslate2_f32": lambda *a: Ctranslate2(*a, "float32"),
    "ctranslate2_int8": lambda *a: Ctranslate2(*a, "int8"),
}


def main():
    name, model, work, threads = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")  # libraries print where they like
    os.dup2(2, 1)
    engine = MAKE[name](model, work, int(threads))
    texts = []
    print(engine.about, file=answers, flush=True)
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "texts":
            with open(line.rstrip("\n").split(" ", 1)[1], encoding="utf-8") as f:
                texts = f.read().split("\n")[:-1]
            said = len(texts)
        elif word == "time":
            first, n, size = map(int, rest)
            cpu, wall = time.process_time(), time.perf_counter()
            engine.rows(texts[first:first + n], size)
            said = f"{time.process_time() - cpu} {time.perf_counter() - wall}"
        else:
            first, n, path, size = int(rest[0]), int(rest[1]), rest[2], int(rest[3])
            rows = engine.rows(texts[first:first + n], size)
            np.ascontiguousarray(rows, np.float32).tofile(path)
            said = rows.shape[1]
        print(said, file=answers, flush=True)


if __name__ == "__main__":
    main()
