"""Fine-tuning the sentence encoder on the six questions: the heads' teacher, and a second stage.

It is too slow to read every prompt, but what it says of the training rows is worth more than their
labels alone. The work is saved as it goes, in safetensors and JSON, and goes on from there when it
was interrupted, with the same batches.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier import targets
from classifier.corpus import Example, prompts
from classifier.features import scored_text
from classifier.pieces import WordPieces, cut
from classifier.targets import Floats

if TYPE_CHECKING:
    import torch

BEGIN: Final = "[CLS]"
END: Final = "[SEP]"
STATE: Final = "state.safetensors"
PROGRESS: Final = "progress.json"
TIERS: Final = 3

Progress = Callable[[int, int], None]
"""Told how many steps of how many are done."""
Teacher = Callable[[Sequence[Example]], Floats]
"""The probability of yes to each of the six questions, shape (examples, 6)."""


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """An encoder that answers the six questions."""

    teacher: Teacher
    net: "torch.nn.ModuleDict"
    """`encoder`, a transformer, and `head`, over the mean of what that says of the pieces."""
    vocabulary: tuple[str, ...]
    """Piece i of a text has the number i."""
    ends: tuple[int, int]
    """The marks that begin and end a text."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How the encoder is trained; part of what a saved state must agree with."""

    epochs: int = 3
    batch: int = 32
    tokens: int = 112
    """Pieces of a prompt that are read: three quarters from its head, the rest from its tail."""
    rate: float = 6e-5
    head_rate: float = 1e-3
    warmup: float = 0.06
    rank: float = 0.3
    """Weight of the loss that orders prompts within a source by how often small models fail."""
    margin: float = 0.15
    """Least difference of two shares that is an order."""
    save_every: int = 200
    seed: int = 20_261_125


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks of all heads side by side, shape (rows, 6); weight 0 where nothing is known."""

    target: NDArray[np.float32]
    weight: NDArray[np.float32]
    source: NDArray[np.int64]
    """A number for the source of each row, shape (rows,)."""


def questions(examples: Sequence[Example]) -> Questions:
    """What each example says of each head's question."""
    tasks = [targets.needs_info(examples), targets.above(examples, 0), targets.above(examples, 1)]
    tasks += [targets.solved(examples, tier) for tier in range(TIERS)]
    target = np.zeros((len(examples), len(tasks)), np.float32)
    weight = np.zeros_like(target)
    for column, task in enumerate(tasks):
        target[task.rows, column] = task.target
        weight[task.rows, column] = task.weight
    sources = np.unique([example.source for example in examples], return_inverse=True)[1]
    return Questions(target=target, weight=weight, source=sources.astype(np.int64))


def batches(lengths: NDArray[np.intp], plan: Plan, epoch: int) -> list[NDArray[np.intp]]:
    """Rows in an order of this epoch's own, alike lengths together, the batches shuffled."""
    draw = np.random.default_rng((plan.seed, epoch))
    rows = draw.permutation(lengths.size)
    stretch = plan.batch * 40
    found = []
    for begin in range(0, rows.size, stretch):
        part = rows[begin : begin + stretch]
        part = part[np.argsort(lengths[part], kind="stable")]
        found += [part[at : at + plan.batch] for at in range(0, part.size, plan.batch)]
    return [found[at] for at in draw.permutation(len(found))]


def finetune(
    examples: Sequence[Example],
    base: Path,
    work: Path,
    plan: Plan,
    progress: Progress = lambda done, of: None,
) -> Tuned:
    """The encoder in folder `base`, trained on `examples`.

    Texts are cut into pieces as serving cuts them. Rows of which nothing is known are passed over.
    About an hour on two cores for 20,000 rows, minutes on a GPU. `work` holds the state: the same
    call goes on where it was interrupted. Raises ImportError without the train extra.
    """
    import torch  # noqa: PLC0415 (an extra: not needed to serve)
    from transformers import AutoModel  # noqa: PLC0415

    examples = [example for example in examples if not example.blank]
    work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vocabulary = _vocabulary(base)
    ends = (vocabulary.index(BEGIN), vocabulary.index(END))
    words = WordPieces(vocabulary)

    def pieces(asked: Sequence[Example]) -> list[list[int]]:
        texts = ["" if p is None else scored_text(p) for p in prompts(asked)]
        return [cut(words.encode(text), plan.tokens, ends) for text in texts]

    encoder = AutoModel.from_pretrained(base)
    head = torch.nn.Linear(encoder.config.hidden_size, 3 + TIERS)
    torch.nn.init.zeros_(head.weight)
    net = torch.nn.ModuleDict({"encoder": encoder, "head": head}).to(device)
    steps = _Steps(net, questions(examples), pieces(examples), plan, device)
    done = steps.restore(work)
    for step, rows in enumerate(steps.order(), 1):
        if step > done:
            steps.learn(step, rows)
            progress(step, steps.total)
            if step % plan.save_every == 0:
                steps.save(work, step)
    if done < steps.total:
        steps.save(work, steps.total)
    return Tuned(
        teacher=lambda asked: steps.answers(pieces(asked)),
        net=net,
        vocabulary=vocabulary,
        ends=ends,
    )


def _vocabulary(base: Path) -> tuple[str, ...]:
    """The word pieces of the encoder in `base`, in the order of their numbers."""
    pieces = json.loads((base / "tokenizer.json").read_bytes())["model"]["vocab"]
    return tuple(sorted(pieces, key=pieces.__getitem__))


class _Steps:
    """The state of a training run."""

    def __init__(
        self,
        net: "torch.nn.ModuleDict",
        asked: Questions,
        pieces: Sequence[Sequence[int]],
        plan: Plan,
        device: "torch.device",
    ) -> None:
        import torch  # noqa: PLC0415

        self._net, self._plan, self._device = net, plan, device
        self._pieces = pieces
        self._target = torch.from_numpy(asked.target).to(device)
        self._weight = torch.from_numpy(asked.weight).to(device)
        self._source = torch.from_numpy(asked.source).to(device)
        self._lengths = np.array([len(one) for one in pieces], np.intp)
        self.total = plan.epochs * math.ceil(len(pieces) / plan.batch)
        parts = [("encoder", plan.rate), ("head", plan.head_rate)]
        self._optimizer = torch.optim.AdamW(
            [{"params": list(net[name].parameters()), "lr": rate} for name, rate in parts],
            fused=True,  # one pass over weights and moments: on CPU a third of each step else
        )
        self._rates = [rate for _, rate in parts]

    def order(self) -> Iterator[NDArray[np.intp]]:
        """The rows of every step."""
        for epoch in range(self._plan.epochs):
            yield from batches(self._lengths, self._plan, epoch)

    def answers(self, pieces: Sequence[Sequence[int]]) -> Floats:
        """The probability of yes to each question, shape (texts, 6)."""
        import torch  # noqa: PLC0415

        self._net.eval()
        found = np.empty((len(pieces), 3 + TIERS))
        order = np.argsort([len(one) for one in pieces], kind="stable")
        with torch.no_grad():
            for begin in range(0, order.size, self._plan.batch):
                rows = order[begin : begin + self._plan.batch]
                logits = self._logits([pieces[row] for row in rows])
                found[rows] = torch.sigmoid(logits).cpu().numpy()
        return found

    def learn(self, step: int, rows: NDArray[np.intp]) -> None:
        """One step down the gradient."""
        import torch  # noqa: PLC0415

        share = min(1.0, step / (self._plan.warmup * self.total)) * (1 - (step - 1) / self.total)
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        self._net.train()
        loss = self._loss(rows)
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._net.parameters(), 1.0)
        self._optimizer.step()

    def _loss(self, rows: NDArray[np.intp]) -> "torch.Tensor":
        import torch  # noqa: PLC0415
        from torch.nn.functional import binary_cross_entropy_with_logits as cross  # noqa: PLC0415
        from torch.nn.functional import softplus  # noqa: PLC0415

        chosen = torch.from_numpy(rows).to(self._device)
        logits = self._logits([self._pieces[row] for row in rows])
        target, weight = self._target[chosen], self._weight[chosen]
        asked = cross(logits[:, :3], target[:, :3], reduction="none")
        # A tier's success is what the tiers below solve, and its own step beyond that.
        fails = torch.cumprod(torch.sigmoid(-logits[:, 3:]), dim=1).clamp(1e-6, 1 - 1e-6)
        share = target[:, 3:]
        solved = -(share * torch.log1p(-fails) + (1 - share) * torch.log(fails))
        plain = (torch.cat([asked, solved / 2], dim=1) * weight).sum() / len(rows)
        small, source = target[:, 3], self._source[chosen]
        known = weight[:, 3] > 0
        pairs = (source[:, None] == source[None]) & known[:, None] & known[None]
        pairs &= (small[:, None] - small[None]) > self._plan.margin
        wrong = softplus(logits[:, 3][None] - logits[:, 3][:, None])
        return plain + self._plan.rank * (wrong * pairs).sum() / pairs.sum().clamp(min=1)

    def _logits(self, texts: Sequence[Sequence[int]]) -> "torch.Tensor":
        """Shape (texts, 6): the mean over the pieces, through the head."""
        import torch  # noqa: PLC0415
        from torch.nn.functional import dropout  # noqa: PLC0415

        ids = torch.zeros((len(texts), max(map(len, texts))), dtype=torch.long)
        seen = torch.zeros_like(ids)
        for place, text in enumerate(texts):
            ids[place, : len(text)] = torch.tensor(text)
            seen[place, : len(text)] = 1
        ids, seen = ids.to(self._device), seen.to(self._device)
        # Half the bits where the processor has them: three times as fast, and no worse.
        half = self._device.type == "cuda" or torch.cpu.get_capabilities().get("avx512_bf16", False)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=bool(half)):
            hidden = self._net["encoder"](input_ids=ids, attention_mask=seen).last_hidden_state
        hidden = hidden.float() * seen[..., None]
        mean = hidden.sum(dim=1) / seen.sum(dim=1, keepdim=True)
        found: torch.Tensor = self._net["head"](dropout(mean, 0.1, training=self._net.training))
        return found

    def save(self, work: Path, step: int) -> None:
        """Weights and moments, then the step that they belong to: a save that is cut is no save."""
        from safetensors.torch import save_file  # noqa: PLC0415

        tensors = {f"net.{name}": value for name, value in self._net.state_dict().items()}
        for number, state in self._optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": value for name, value in state.items()}
        draft = work / f"{STATE}.part"
        save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, draft)
        (work / PROGRESS).unlink(missing_ok=True)
        draft.rename(work / STATE)
        (work / PROGRESS).write_bytes(msgspec.json.encode({"step": step, "plan": self._plan}))

    def restore(self, work: Path) -> int:
        """How many steps are done already; their state is taken up."""
        from safetensors.torch import load_file  # noqa: PLC0415

        try:
            found = json.loads((work / PROGRESS).read_bytes())
        except (OSError, ValueError):
            return 0
        if found["plan"] != msgspec.to_builtins(self._plan):
            return 0
        tensors = load_file(work / STATE)
        net = {name[4:]: value for name, value in tensors.items() if name.startswith("net.")}
        self._net.load_state_dict(net)
        plain = self._optimizer.state_dict()
        state: dict[int, dict[str, object]] = {}
        for name, value in tensors.items():
            if name.startswith("adam."):
                _, number, moment = name.split(".", 2)
                state.setdefault(int(number), {})[moment] = value
        self._optimizer.load_state_dict({"state": state, "param_groups": plain["param_groups"]})
        return int(found["step"])
