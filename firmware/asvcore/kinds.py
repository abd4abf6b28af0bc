"""What is taken for a vehicle that does not tell it: length by kind, position error by class [D5, D8]."""

from . import params


def kind_length_dm(kind):
    """Length of a vehicle by its kind, where it is not known."""
    for code, length_dm in params.KIND_LENGTH_DM:
        if code == kind:
            return length_dm
    return params.OTHER_LENGTH_DM


def class_error_dm(class_code):
    """Position error by class, an invalid class as C [D8]."""
    for code, error_dm in params.CLASS_ERROR_DM:
        if code == class_code:
            return error_dm
    return params.CLASS_C_ERROR_DM
