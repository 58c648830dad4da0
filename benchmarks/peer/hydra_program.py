"""The smallest program of Hydra: a configuration of one value, no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hydra
from hydra.core.config_store import ConfigStore

if TYPE_CHECKING:
    from omegaconf import DictConfig

ConfigStore.instance().store(name="config", node={"jobs": 1})


def main(config: DictConfig) -> None:
    print(config.jobs)


if __name__ == "__main__":
    hydra.main(version_base=None, config_name="config")(main)()
