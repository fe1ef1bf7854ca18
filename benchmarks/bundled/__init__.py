"""How the weights that come with ``deep`` were made: pictures, teachers, distillation, and the script."""
