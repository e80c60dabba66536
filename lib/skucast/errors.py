"""The whole exception tree. Each message names the thing, what was found, what was expected and what to do."""


class SkucastError(Exception):
    """Anything skucast stops for on purpose. Exit code 1 unless a subclass says otherwise."""

    exit_code = 1


class UserError(SkucastError):
    """The user's mistake: configuration or input contract. Exit code 2."""

    exit_code = 2


class ConfigError(UserError):
    """The configuration is not usable. Collects every violation before it is raised."""


class SourceError(UserError):
    """A source cannot be read or mapped: missing file, missing column, expression that does not parse."""


class ContractError(UserError):
    """A frame or a stored table breaks its declared contract. Lists all violations."""


class DecisionDateError(UserError):
    """The decision date is inside a period, before the data or too far after it."""


class DecisionError(UserError):
    """A planner's decision names no proposal, or says what cannot be."""


class TooManyRejectedError(SkucastError):
    """More rows than the configured share could not be used."""


class TooManyFallbacksError(SkucastError):
    """More series than the configured share needed a fallback forecast."""


class WarehouseLockedError(SkucastError):
    """Another run owns the warehouse."""


class EnvironmentNotReadyError(UserError):
    """Java, the Delta jars or the warehouse folder are missing or unusable."""
